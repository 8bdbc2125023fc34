package budwood

import (
	"os/exec"
	"strings"
	"testing"
)

// The Temporal server brings clients of clouds and of other databases, which the
// embedded one never uses. Stand-ins in cmd/standin keep them out of the program,
// each for one version: another one needs another look.
func TestProgramWithoutClouds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	out, err := exec.Command("go", "list", "-deps", "./cmd/budwood").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	for _, p := range packages {
		for _, heavy := range []string{
			"k8s.io/", "cloud.google.com/go/auth", "cloud.google.com/go/run", "cloud.google.com/go/storage/", "google.golang.org/api/transport",
			"github.com/envoyproxy/", "google.golang.org/grpc/xds", "github.com/jackc/pgx/v5/pgtype",
			"github.com/aws/aws-sdk-go-v2/service/ecs", "github.com/aws/aws-sdk-go-v2/service/lambda", "github.com/aws/aws-sdk-go-v2/service/bedrock",
		} {
			if strings.HasPrefix(p, heavy) {
				t.Errorf("the program links in %s: docs/decisions/standins.md says what to do", p)
			}
		}
	}
	if most := 1350; len(packages) > most {
		t.Errorf("the program consists of %d packages, which was to be at most %d: see what is new, and docs/decisions/standins.md", len(packages), most)
	}
}
