// Soak lets the built exporter live through a bad time: a fleet that comes and
// goes, faults of every kind, a key and a session file that change, several
// scrapers of which some hang up or dawdle. All the while it compares what is
// exposed with what is so, and in the end what the exporter holds with what it
// held. Start it at the repository's root:
//
//	go run ./soak -duration 30m
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"browseruse_exporter/internal/simapi"
)

func main() {
	duration := flag.Duration("duration", time.Minute, "how long the bad time lasts")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of what is drawn by chance")
	sessions := flag.Int("sessions", 150, "how many sessions are active at a time")
	flag.Parse()
	if err := soak(*duration, *seed, *sessions); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// soak goes through the phases: a good time to know what is normal, the bad
// time, and a quiet one in which everything has to come right.
func soak(duration time.Duration, seed uint64, sessions int) error {
	fmt.Printf("seed %d, %d sessions, for %s\n", seed, sessions, duration)
	w, err := newWorld(seed, sessions)
	if err != nil {
		return err
	}
	defer w.close()
	e, err := startExporter(w)
	if err != nil {
		return err
	}
	defer e.kill()
	s := newScrapers(w, e)

	life, endLife := context.WithCancel(context.Background())
	defer endLife()
	var living sync.WaitGroup
	living.Go(func() { w.live(life) })
	s.run(life, warmUp)
	normal, err := s.footprint()
	if err != nil {
		return err
	}

	trouble, endTrouble := context.WithTimeout(life, duration)
	defer endTrouble()
	living.Go(func() { w.makeTrouble(trouble) })
	s.run(trouble, duration)
	endTrouble()
	endLife()
	living.Wait()

	s.checkReadable()
	w.quiet()
	time.Sleep(settle + maxHold)
	s.checkFinal()
	after, err := s.footprintLike(normal)
	if err != nil {
		return err
	}
	s.problems.add(e.stop())
	s.problems.lookForSecrets("the log", e.output(), w.secrets())

	s.summary(normal, after)
	fmt.Println(w.summary())
	return s.problems.error()
}

// How long things take that are not the bad time.
const (
	warmUp  = 10 * time.Second
	maxHold = 3 * time.Second // the longest Retry-After that is sent
)

// problems are what was found, each kind a few times.
type problems struct {
	mu    sync.Mutex
	count int
	first []string
}

func (p *problems) add(err error) {
	if err == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count++; len(p.first) < 20 {
		p.first = append(p.first, err.Error())
	}
}

// lookForSecrets reports whether a text shows what nobody may see. It does not say
// what, since that would show it, too.
func (p *problems) lookForSecrets(where, text string, secrets []string) {
	for _, secret := range append(secrets, simapi.Credential) {
		if strings.Contains(text, secret) {
			p.add(fmt.Errorf("%s shows a credential", where))
		}
	}
}

func (p *problems) error() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == 0 {
		return nil
	}
	return errors.New(fmt.Sprintf("%d problems, such as\n  ", p.count) + strings.Join(p.first, "\n  "))
}
