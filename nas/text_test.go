package nas

import "testing"

func TestString(t *testing.T) {
	for tree, want := range map[string]string{
		`[]`: "skip",
		`[[conv(16) batchnorm relu] maxpool dense(64) relu dropout(0.25)]`: "conv16·3 bn relu | pool | dense 64 relu drop 0.25",
		`[relu dense(8) skip dropout(0)]`:                                  "relu | dense 8",
		`[conv(8,5,2) depthwise(5) conv avgpool(3) globalpool]`:            "conv8·5/2 | depthwise·5 | conv·3 | avgpool3 | globalpool",
		`[relu (skip + [conv(8) relu]) relu]`:                              "relu | (skip + conv8·3 relu) relu",
		`((skip + relu) + none)`:                                           "((skip + relu) + none)",
		`<relu skip conv none tanh skip>`:                                  "cell(relu | skip + conv·3 | none + tanh + skip)",
	} {
		if got := genome(t, tree).String(); got != want {
			t.Errorf("%s\n got %s\nwant %s", tree, got, want)
		}
	}
}
