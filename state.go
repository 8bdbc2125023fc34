package budwood

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rs/zerolog"

	"budwood/data"
	"budwood/engine/crew"
	"budwood/learn/network"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/blob"
	"budwood/trials/energy"
	"budwood/trials/store"
	"budwood/workflows"
)

// Home is the directory of all state: $BUDWOOD_HOME, else
// $XDG_STATE_HOME/budwood, else ~/.local/state/budwood. It need not exist.
func Home() (string, error) {
	if dir := os.Getenv("BUDWOOD_HOME"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) { // its specification: ignore a relative one
		return filepath.Join(dir, "budwood"), nil
	}
	dir, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no state directory: %w; set BUDWOOD_HOME", err)
	}
	return filepath.Join(dir, ".local", "state", "budwood"), nil
}

// StoreFile is the store's file in a state directory.
func StoreFile(home string) string { return filepath.Join(home, "budwood.db") }

// State is what a process keeps in a state directory: the store, the
// checkpoints and the data sets in memory. Runs of studies, here and in the
// command, share one.
type State struct {
	Store *store.Store
	Files *blob.DataFiles // of studies, among the blobs, which are the checkpoints' place, too
	Data  *data.Cache
	Meter *energy.Attributor
	Log   zerolog.Logger

	home   string
	losses *trials.Losses // of a state that trains
	cores  *crew.Pool     // of one that trains
}

// OpenState opens a state directory for writing; "" means [Home]. With nil files,
// checkpoints and data are kept there, too.
func OpenState(home string, files *blob.DataFiles, log zerolog.Logger) (*State, error) {
	if home == "" {
		var err error
		if home, err = Home(); err != nil {
			return nil, err
		}
	}
	power, err := energy.CorePower(os.Getenv)
	if err != nil {
		return nil, err
	}
	store, err := store.Open(StoreFile(home))
	if err != nil {
		return nil, err
	}
	if files == nil {
		blobs := filepath.Join(home, "blobs")
		if err := os.MkdirAll(blobs, 0o755); err != nil {
			return nil, errors.Join(err, store.Close())
		}
		files = &blob.DataFiles{Blobs: blob.Dir(blobs), Shared: &data.Shared{Dir: filepath.Join(home, "decoded")}}
	}
	return &State{Store: store, Files: files, Data: &data.Cache{Files: files}, Meter: energy.NewAttributor(power), Log: log, home: home}, nil
}

// Close closes the store.
func (s *State) Close() error { return errors.Join(s.losses.Close(), s.Store.Close()) }

// Recorder keeps studies in the store.
func (s *State) Recorder() *study.Recorder {
	return &study.Recorder{Store: s.Store, Data: s.Data, Files: s.Files, Log: s.Log, Clock: s.clock()}
}

// TrainActivities are the activities of a worker; objective is nil for studies
// with data.
func (s *State) TrainActivities(objective Objective) *workflows.TrainActivities {
	return &workflows.TrainActivities{Runner: s.runner(), Data: s.Data, Objective: objective, Log: s.Log}
}

// clock is what costs are predicted with here.
func (s *State) clock() *network.Clock {
	c := &network.Clock{Watts: 12}
	if p, err := energy.CorePower(os.Getenv); err == nil && p.PerCore > 0 {
		c.Watts = p.PerCore
	}
	if m, err := ReadMachine(s.home); err == nil {
		c.Machine = m
	}
	return c
}

func (s *State) runner() *trials.Runner {
	name := trials.WorkerName()
	if s.losses == nil {
		var err error
		if s.losses, err = trials.NewLosses(WorkersDir(s.home), s.Files.Blobs, name, s.Log); err != nil {
			s.Log.Warn().Err(err).Msg("a trial that ends its worker will not be known")
		}
	}
	machine, err := ReadMachine(s.home)
	if err != nil {
		s.Log.Warn().Err(err).Msg("meshes are chosen by the built-in numbers")
		machine = nil
	}
	if s.cores == nil {
		s.cores = trials.NewCores()
	}
	return &trials.Runner{Blobs: s.Files.Blobs, Meter: s.Meter, Name: name, Log: s.Log, Losses: s.losses, Machine: machine, Cores: s.cores}
}

// WorkersDir is where the workers of a state directory note what they train, so that
// it is known what one that died was doing.
func WorkersDir(home string) string { return filepath.Join(home, "workers") }
