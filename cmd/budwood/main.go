package main

import (
	"fmt"

	_ "github.com/mattn/go-sqlite3"
	_ "github.com/temporalio/ui-server/v2/server"
	_ "go.temporal.io/sdk/client"
	_ "go.temporal.io/sdk/worker"
	"go.temporal.io/server/common/config"
	_ "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/temporal"
	_ "go.temporal.io/server/schema/sqlite"
)

func main() { s, err := temporal.NewServer(temporal.WithConfig(&config.Config{})); fmt.Println(s, err) }
