# Only models under the MIT licence. `input` is described in lading's docs/policy.md.
package lading

deny contains msg if {
	some model in input.models
	not mit(model)
	msg := sprintf("the model %s is under %s", [model.name, said(model)])
}

mit(model) if model.licenses == ["MIT"]

said(model) := concat(" and ", model.licenses) if count(model.licenses) > 0

said(model) := "no licence that is known" if count(model.licenses) == 0
