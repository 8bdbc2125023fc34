package budwood

import _ "embed"

// DevServerYAML is temporal-dev.yaml, the settings of the Temporal server that
// the budwood command starts. It is embedded here because the file lies at the
// root of the repository, out of the command's reach.
//
//go:embed temporal-dev.yaml
var DevServerYAML string
