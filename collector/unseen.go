package collector

import "time"

// forgetPause is how long the level of an unseenCounter must have been lower for
// the list to have forgotten sessions: longer than any request takes.
const forgetPause = 15 * time.Minute

// listTotal is how many sessions a list has, by the first of its pages that was read.
type listTotal struct {
	known bool // a page was read
	total int
}

// unseenCounter counts the sessions that ended without any reading having seen
// them. All that it has is how many sessions the list of stopped ones has. That
// grows by each session that ends, so a level, the list's total less the sessions
// that were seen and ended, rises by those that were not seen.
//
// The two sides do not move at once. A session may be in the total before it is read
// as stopped. So a total is judged by the next reading only: what that finds to have
// ended before is taken off, and so is what was seen active and is not known to have
// ended. A session may also be read as stopped before it is in the total. The level
// is too low then, until the next total.
//
// The list forgets sessions after some time, and then the level falls. How many it
// forgot can't be known, so a fall is accepted if it lasts, and those unseen are
// counted from there. A session that is forgotten while another ends unseen hides
// that one: the count can be too low, but not too high. It relies on the list
// having a session in its total within forgetPause of its end. A finish is compared
// with the exporter's clock, so the two must agree within a few seconds.
type unseenCounter struct {
	count int // what is exposed
	open  int // sessions that were read as active and not as stopped

	totals  int       // how many were read
	newest  int       // number of the newest reading
	since   time.Time // start of the reading with the first total; what ended before is in that
	ended   int       // sessions that were seen and ended since then
	level   int       // at which all sessions are seen or counted
	current int       // level by the last total
	at      time.Time // when the reading with the last total ended
	late    int       // of ended, those since then that ended before
	highest int       // level since highestFrom
	from    time.Time
}

// begin is called at the beginning of a booking, for a reading that began at start.
func (u *unseenCounter) begin(start time.Time) {
	if u.totals == 0 {
		u.since, u.ended = start, 0
	}
}

// recordEnd records that a session that was seen has ended.
func (u *unseenCounter) recordEnd(seenActive bool, finish time.Time) {
	if seenActive {
		u.open--
	}
	if finish.Before(u.since) && (u.totals == 0 || !seenActive) {
		return
	}
	u.ended++
	if !finish.After(u.at) {
		u.late++
	}
}

// end is called at the end of a booking, with how many sessions the reading found
// active.
func (u *unseenCounter) end(number int, stopped listTotal, active int, now time.Time) {
	if number < u.newest {
		return
	}
	u.newest = number
	if sure := u.current - u.late - (u.open - active); u.totals > 0 && sure > u.level {
		u.count += sure - u.level
		u.level = sure
	}
	if !stopped.known {
		return
	}
	u.current, u.at, u.late = stopped.total-u.ended, now, 0
	if u.totals == 0 {
		u.level, u.highest, u.from = stopped.total, u.current, now
	}
	u.totals++
	u.highest = max(u.highest, u.current)
	if since := now.Sub(u.from); since >= forgetPause || since < 0 {
		u.level = min(u.level, u.highest)
		u.highest, u.from = u.current, now
	}
}
