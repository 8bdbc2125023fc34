package devserver

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"budwood"

	"github.com/goccy/go-yaml"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/headers"
)

// Version is the version of the embedded Temporal server.
const Version = headers.ServerVersion

const configFile = "temporal-dev.yaml"

// Config is temporal-dev.yaml; the file explains its keys.
type Config struct {
	IP               string            `yaml:"ip"`
	Port             int               `yaml:"port"`
	UIPort           int               `yaml:"ui_port"`
	UIHosts          []string          `yaml:"ui_hosts"`
	Namespace        string            `yaml:"namespace"`
	Retention        time.Duration     `yaml:"retention"`
	LogLevel         string            `yaml:"log_level"`
	Linger           time.Duration     `yaml:"linger"`
	Database         string            `yaml:"database"` // file name; {version} stands for [Version]
	SQLite           map[string]string `yaml:"sqlite"`   // pragmas
	DynamicConfig    map[string]any    `yaml:"dynamic_config"`
	SearchAttributes map[string]string `yaml:"search_attributes"` // name → Keyword, Int, Double, …
}

// ReadConfig returns the built-in settings with those of a temporal-dev.yaml in
// the state directory, if there is one, laid over them.
func ReadConfig(home string) (Config, error) {
	var c Config
	if err := c.merge("built-in "+configFile, []byte(budwood.DevServerYAML)); err != nil {
		return Config{}, err
	}
	path := filepath.Join(home, configFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return Config{}, fmt.Errorf("read settings: %w", err)
	}
	return c, c.merge(path, data)
}

func (c *Config) merge(name string, data []byte) error {
	if len(strings.TrimSpace(string(data))) == 0 {
		return nil
	}
	attributes, dynamic, pragmas := c.SearchAttributes, c.DynamicConfig, c.SQLite
	if err := yaml.UnmarshalWithOptions(data, c, yaml.Strict()); err != nil {
		return fmt.Errorf("%s: %s", name, yamlError(err))
	}
	c.SearchAttributes = overlay(attributes, c.SearchAttributes)
	c.DynamicConfig = overlay(dynamic, c.DynamicConfig)
	c.SQLite = overlay(pragmas, c.SQLite)
	if err := c.validate(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (c *Config) validate() error {
	if ip, err := netip.ParseAddr(c.IP); err != nil || !ip.IsLoopback() {
		return fmt.Errorf("ip: %q is not a loopback address such as 127.0.0.1; to serve other machines, run a Temporal server of your own and set TEMPORAL_ADDRESS", c.IP)
	}
	for _, p := range []struct {
		key  string
		port int
	}{{"port", c.Port}, {"ui_port", c.UIPort}} {
		if err := checkPort(p.port); err != nil {
			return fmt.Errorf("%s: %w", p.key, err)
		}
	}
	for _, h := range c.UIHosts {
		if h == "" || h != hostname(h) || strings.ContainsAny(h, "/*: ") && net.ParseIP(h) == nil {
			return fmt.Errorf("ui_hosts: %q is not a plain name or address, in small letters and without a port", h)
		}
	}
	if c.Namespace == "" {
		return errors.New("namespace: must not be empty")
	}
	if c.Retention < time.Hour {
		return fmt.Errorf("retention: %v is less than the least possible, 1h", c.Retention)
	}
	switch c.LogLevel {
	case "debug", "info", "warn", "error":
	default:
		return fmt.Errorf("log_level: %q is none of debug, info, warn, error", c.LogLevel)
	}
	if c.Linger < 0 {
		return fmt.Errorf("linger: %v is negative", c.Linger)
	}
	if c.Database == "" || c.Database != filepath.Base(c.Database) {
		return fmt.Errorf("database: %q is not a plain file name", c.Database)
	}
	_, err := c.attributeTypes()
	return err
}

// databasePath is the database file below the state directory.
func (c *Config) databasePath(home string) string {
	return filepath.Join(home, strings.ReplaceAll(c.Database, "{version}", Version))
}

// attributeTypes are the search attributes as Temporal wants them.
func (c *Config) attributeTypes() (map[string]enumspb.IndexedValueType, error) {
	out := make(map[string]enumspb.IndexedValueType, len(c.SearchAttributes))
	for name, kind := range c.SearchAttributes {
		t, err := enumspb.IndexedValueTypeFromString(kind)
		if err != nil || t == enumspb.INDEXED_VALUE_TYPE_UNSPECIFIED {
			return nil, fmt.Errorf("search_attributes: %s: unknown type %q", name, kind)
		}
		out[name] = t
	}
	return out, nil
}

// yamlError is the fault of a file in one line, without the decoder's Go words.
func yamlError(err error) string {
	var te *yaml.TypeError
	if errors.As(err, &te) {
		at := te.Token.Position
		return fmt.Sprintf("[%d:%d] %s is not of type %s", at.Line, at.Column, te.Token.Value, te.DstType)
	}
	return oneLine(yaml.FormatError(err, false, false))
}

// overlay returns the entries of both maps; those of the second win.
func overlay[V any](under, over map[string]V) map[string]V {
	out := make(map[string]V, len(under)+len(over))
	for k, v := range under {
		out[k] = v
	}
	for k, v := range over {
		out[k] = v
	}
	return out
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
