package workflows

import (
	"github.com/rs/zerolog"
	"go.temporal.io/sdk/log"
)

// Logger writes the Temporal client's log into ours.
type Logger struct{ Log zerolog.Logger }

var _ log.Logger = Logger{}

// Debug, Info, Warn and Error take a message and pairs of keys and values.
func (l Logger) Debug(msg string, keyvals ...any) { l.Log.Debug().Fields(keyvals).Msg(msg) }
func (l Logger) Info(msg string, keyvals ...any)  { l.Log.Info().Fields(keyvals).Msg(msg) }
func (l Logger) Warn(msg string, keyvals ...any)  { l.Log.Warn().Fields(keyvals).Msg(msg) }
func (l Logger) Error(msg string, keyvals ...any) { l.Log.Error().Fields(keyvals).Msg(msg) }
