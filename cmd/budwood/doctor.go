package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"budwood"
	"budwood/cmd/budwood/devserver"
	"budwood/learn/network"
	"budwood/search"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/blob"
	"budwood/trials/energy"
	"budwood/trials/store"
)

type doctorCmd struct {
	Backup    string `help:"Copy the store to a new file, also while studies run." placeholder:"FILE" type:"path"`
	Calibrate bool   `help:"Measure how fast this machine trains, in seconds, for the predictions of plan and for mesh: auto."`
	Repair    bool   `help:"Make a new store from what can be read of a damaged one. Nothing may run meanwhile."`
}

// Run looks at everything that studies here depend on, and says what to do.
func (c *doctorCmd) Run(a *app) error {
	path := budwood.StoreFile(a.home)
	if c.Backup != "" {
		store, err := a.read()
		if err != nil {
			return err
		}
		defer store.Close()
		if err := store.Backup(a.ctx, c.Backup); err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "the store is copied to %s\n", c.Backup)
		return nil
	}
	if c.Calibrate {
		return calibrated(a)
	}
	if c.Repair {
		return c.repair(a, path)
	}
	d := &doctor{a: a}
	d.home()
	d.store(path)
	d.blobs()
	d.energy()
	d.memory()
	d.machine()
	d.commands()
	if d.bad > 0 {
		return fmt.Errorf("%s found", plural(d.bad, "problem"))
	}
	return nil
}

func (c *doctorCmd) repair(a *app, path string) error {
	for _, name := range []string{workersLock, runsLock} {
		lock, err := devserver.Lock(filepath.Join(a.home, name))
		if errors.Is(err, devserver.ErrLocked) {
			return fmt.Errorf("workers run in %s: stop its studies and `budwood up`; without them they end within seconds", a.home)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue // no state directory, and so nothing that runs in it
		}
		if err != nil {
			return err
		}
		defer lock.Close()
	}
	if store, err := a.read(); err == nil {
		damage, err := store.Check(a.ctx)
		store.Close()
		if err == nil && len(damage) == 0 {
			fmt.Fprintf(a.stdout, "%s is whole: there is nothing to repair\n", path)
			return nil
		}
	}
	saved, old, err := store.Repair(a.ctx, path)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "saved %d studies, %d trials, %d segments and %d values of epochs; the damaged file is %s\n",
		saved["studies"], saved["trials"], saved["segments"], saved["curve"], old)
	return nil
}

type doctor struct {
	a   *app
	bad int
}

func (d *doctor) say(ok bool, what, note string) {
	mark := "ok   "
	if !ok {
		mark = "BAD  "
		d.bad++
	}
	fmt.Fprintf(d.a.stdout, "%s%-12s%s\n", mark, what, note)
}

func (d *doctor) home() {
	if err := os.MkdirAll(d.a.home, 0o700); err != nil {
		d.say(false, "state", err.Error())
		return
	}
	if _, elsewhere, err := devserver.Elsewhere(d.a.home); err == nil && !elsewhere { // the embedded server refuses it
		if err := devserver.Own(d.a.home); err != nil {
			d.say(false, "state", err.Error())
			return
		}
	}
	f, err := os.CreateTemp(d.a.home, ".doctor-*")
	if err != nil {
		d.say(false, "state", fmt.Sprintf("%s cannot be written: %v", d.a.home, err))
		return
	}
	f.Close()
	os.Remove(f.Name())
	note := d.a.home
	if free, ok := freeSpace(d.a.home); ok {
		note += fmt.Sprintf(", %.1f GiB free", float64(free)/(1<<30))
		if free < 1<<30 {
			d.say(false, "state", note+": less than 1 GiB; make room, or set BUDWOOD_HOME")
			return
		}
	}
	d.say(true, "state", note)
}

func (d *doctor) store(path string) {
	db, err := d.a.read()
	if errors.Is(err, store.ErrNoStore) {
		d.say(true, "store", "none yet")
		return
	}
	if err != nil {
		d.say(false, "store", fmt.Sprintf("%v; try budwood doctor --repair", err))
		return
	}
	defer db.Close()
	damage, err := db.Check(d.a.ctx)
	if err != nil {
		damage = append(damage, err.Error())
	}
	if len(damage) > 0 {
		d.say(false, "store", fmt.Sprintf("%s is damaged (%s); save what can be read with budwood doctor --repair", path, damage[0]))
		return
	}
	running, err := db.Running(d.a.ctx)
	if err != nil {
		d.say(false, "store", err.Error())
		return
	}
	note := path + " is whole"
	if len(running) > 0 {
		note += "; running: " + strings.Join(running, ", ")
	}
	d.say(true, "store", note)
}

// blobs looks for checkpoints of studies that the store does not know.
func (d *doctor) blobs() {
	blobs, err := d.a.openBlobs()
	if err != nil {
		d.say(false, "blobs", err.Error())
		return
	}
	list, err := blobs.List(d.a.ctx, "")
	if err != nil {
		d.say(false, "blobs", err.Error())
		return
	}
	var size, files int64
	studies := map[string]bool{}
	for _, b := range list {
		if strings.HasPrefix(b.Key, blob.DataKey+"/") {
			files += b.Size
			continue
		}
		size += b.Size
		if rest, ok := strings.CutPrefix(b.Key, trials.StudyKey("")); ok {
			name, _, _ := strings.Cut(rest, "/")
			studies[name] = true
		}
	}
	note := fmt.Sprintf("%.1f MiB of checkpoints and %.1f MiB of data in %v", float64(size)/(1<<20), float64(files)/(1<<20), blobs)
	db, err := d.a.read()
	if err != nil {
		d.say(true, "blobs", note)
		return
	}
	defer db.Close()
	maps.DeleteFunc(studies, func(name string, _ bool) bool {
		_, err := db.Study(d.a.ctx, name)
		return !errors.Is(err, store.ErrNoStudy)
	})
	if len(studies) > 0 {
		stray := slices.Sorted(maps.Keys(studies))
		d.say(false, "blobs", fmt.Sprintf("%s; %s belong to no study of this store: unless another store's workers use the same place, remove %s", note, strings.Join(stray, ", "), trials.StudyKey(stray[0])))
		return
	}
	d.say(true, "blobs", note)
}

func (d *doctor) energy() {
	power, err := energy.CorePower(os.Getenv)
	if err != nil {
		d.say(false, "energy", err.Error())
		return
	}
	d.say(true, "energy", energy.NewAttributor(power).Describe())
}

// remembered is how long doctor speaks of trials that were lost for memory.
const remembered = 7 * 24 * time.Hour

// memory tells what trials may take, and which were lost for it lately.
func (d *doctor) memory() {
	d.say(true, "memory", study.Offer{}.Describe())
	store, err := d.a.read()
	if err != nil {
		return // said already
	}
	defer store.Close()
	studies, err := store.Studies(d.a.ctx)
	if err != nil {
		d.say(false, "memory", err.Error())
		return
	}
	for _, s := range studies {
		old := !s.Ended.IsZero() && time.Since(s.Ended) > remembered
		if old || s.Trials[search.Failed]+s.Trials[search.Infeasible] == 0 {
			continue
		}
		list, err := store.Records(d.a.ctx, s.Name)
		if err != nil {
			d.say(false, "memory", err.Error())
			continue
		}
		over := 0
		for _, r := range list {
			if lost, memory := trials.LostWorkers(r.Reason); lost && memory {
				d.say(false, "memory", fmt.Sprintf("%s of study %s: %s; give its trials more with resources.mem, or all of them less with --mem of the worker", r.Name(), s.Name, study.DescribeReason(r.Reason)))
			} else if lost {
				d.say(false, "workers", fmt.Sprintf("%s of study %s: %s", r.Name(), s.Name, study.DescribeReason(r.Reason)))
			}
			if network.OverMemory(r.Reason) {
				over++
			}
		}
		if over > 0 {
			d.say(true, "memory", fmt.Sprintf("study %s: %s of %d needed more than a worker had, and were not trained: see budwood show %s", s.Name, plural(over, "trial"), len(list), s.Name))
		}
	}
}

func (d *doctor) commands() {
	b, err := os.ReadFile(filepath.Join(d.a.home, allowFile))
	if err != nil || len(b) == 0 {
		d.say(true, "commands", "none is allowed")
		return
	}
	for line := range strings.Lines(string(b)) {
		_, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		d.say(true, "commands", "allowed: "+text)
	}
}
