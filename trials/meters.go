package trials

import (
	"sync"

	"budwood/trials/energy"
)

// meters are those of the processes of a trial.
type meters struct {
	mu  sync.Mutex
	all []*energy.Meter
}

func (m *meters) add(one *energy.Meter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, one)
}

// read is what all of them have counted.
func (m *meters) read() (sum energy.Energy) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.all {
		sum = sum.Add(one.Read())
	}
	return sum
}

func (m *meters) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.all {
		one.Stop()
	}
}
