package main

import (
	"errors"
	"fmt"
	"time"

	"budwood/workflows"
)

type scheduleCmd struct {
	Add scheduleAddCmd `cmd:"" help:"Run a study again and again, each time with a warm start from the earlier ones. Needs a running budwood up."`
	Ls  scheduleLsCmd  `cmd:"" help:"List the schedules."`
	Run scheduleRunCmd `cmd:"" help:"Run a schedule's study now."`
	Rm  scheduleRmCmd  `cmd:"" help:"Remove a schedule."`
}

type scheduleAddCmd struct {
	fileArg
	Every         time.Duration `help:"Interval, like 24h." xor:"when" placeholder:"24h"`
	Cron          string        `help:"Times in the five fields of crontab, in UTC." xor:"when" placeholder:"'0 3 * * *'"`
	AllowCommands bool          `help:"Allow the program of a study whose objective is a command."`
}

func (c *scheduleAddCmd) Run(a *app) error {
	if c.Every <= 0 && c.Cron == "" {
		return usageError{errors.New("say when it runs: --every 24h or --cron '0 3 * * *'")}
	}
	spec, d, err := c.load(a)
	if err != nil {
		return err
	}
	a.sayImages(d)
	a.sayImages(d)
	if err := a.permit(spec.Program(), c.AllowCommands); err != nil {
		return err
	}
	conn, err := a.quiet().connect(serverFlags{})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := workflows.AddSchedule(a.ctx, conn.Client, spec, workflows.DefaultQueue, workflows.Recurrence{Every: c.Every, Cron: c.Cron}); err != nil {
		return usageError{err}
	}
	fmt.Fprintf(a.stdout, "study %s is scheduled; it runs while a server and workers do: budwood up\n", spec.Name)
	return nil
}

type scheduleLsCmd struct{ output }

func (c *scheduleLsCmd) Run(a *app) error {
	conn, err := a.quiet().connect(serverFlags{})
	if err != nil {
		return err
	}
	defer conn.Close()
	list, err := workflows.Schedules(a.ctx, conn.Client)
	if err != nil {
		return err
	}
	t := table{head: []string{"SCHEDULE", "NEXT (UTC)", "LAST (UTC)"}}
	for _, e := range list {
		next, last := "-", "-"
		if len(e.Next) > 0 {
			next = e.Next[0].UTC().Format(time.DateTime)
		}
		if n := len(e.Last); n > 0 {
			last = e.Last[n-1].UTC().Format(time.DateTime)
		}
		t.add(e.Name, next, last)
	}
	return c.write(a.stdout, t, list)
}

type scheduleNameArg struct {
	Name string `arg:"" help:"Name of the schedule."`
}

type scheduleRunCmd struct{ scheduleNameArg }

func (c *scheduleRunCmd) Run(a *app) error {
	conn, err := a.quiet().connect(serverFlags{})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := workflows.RunSchedule(a.ctx, conn.Client, c.Name); err != nil {
		return usageError{err}
	}
	fmt.Fprintf(a.stdout, "a study of schedule %s begins now, or when the one that runs has ended; see it with: budwood ls\n", c.Name)
	return nil
}

type scheduleRmCmd struct{ scheduleNameArg }

func (c *scheduleRmCmd) Run(a *app) error {
	conn, err := a.quiet().connect(serverFlags{})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := workflows.RemoveSchedule(a.ctx, conn.Client, c.Name); err != nil {
		return usageError{err}
	}
	fmt.Fprintf(a.stdout, "schedule %s is removed\n", c.Name)
	return nil
}
