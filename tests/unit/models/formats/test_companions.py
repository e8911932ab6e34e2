"""Cards, configurations, licences: what they declare, and what is wrong with some."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lading.inventory import Role, Verdict
from support.models_fixtures import MIT
from support.models_streams import facts_of, ids_of, look, seen


def config(**values: Any) -> dict[str, Any]:
    return facts_of(seen("m/config.json", json.dumps({"model_type": "bert", **values}).encode()))


class TestConfig:
    def test_quantisation(self) -> None:
        known = config(quantization_config={"quant_method": "gptq", "bits": 4})
        assert known["quantization"] == "gptq 4-bit"
        assert config(quantization_config={"load_in_4bit": True})["quantization"] == (
            "bitsandbytes 4-bit"
        )

    def test_a_context_length_inside_the_text_part(self) -> None:
        known = config(text_config={"max_position_embeddings": 8192})
        assert known["context_length"] == 8192

    @pytest.mark.parametrize("path", ["/home/me/bert", "./bert", "~/bert", "C:\\bert", "a/b/c"])
    def test_a_path_of_somebodys_machine_is_no_name(self, path: str) -> None:
        assert "name" not in config(_name_or_path=path)

    def test_code_that_loading_may_run(self) -> None:
        found = seen(
            "m/config.json",
            b'{"model_type": "x", "auto_map": {"AutoModel": "evil/repo--modeling.Model"}}',
        )

        assert ids_of(found) == {"config-remote-code"}
        assert "evil/repo" in found.safety.findings[0].message
        assert found.safety.verdict is Verdict.SAFE

    @pytest.mark.parametrize(
        "template", ["{{ ''.__class__ }}", [{"name": "x", "template": "{% set a = x|attr('y') %}"}]]
    )
    def test_templates_that_reach_for_the_interpreter(self, template: Any) -> None:
        text = json.dumps({"tokenizer_class": "T", "chat_template": template}).encode()
        found = seen("m/tokenizer_config.json", text)

        assert found.safety.verdict is Verdict.DANGEROUS
        assert ids_of(found) == {"template-dangerous"}

    def test_a_template_in_a_file_of_its_own(self) -> None:
        good = b"{% for m in messages %}{{ m['content'] | trim }}{% endfor %}"
        assert seen("m/chat_template.jinja", good).safety.verdict is Verdict.SAFE
        bad = seen("m/chat_template.jinja", b"{{ lipsum.__globals__ }}")
        assert bad.safety.verdict is Verdict.DANGEROUS

    def test_sizes(self) -> None:
        text = (
            b'{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "n_head": 4,'
            b' "num_key_value_heads": 1, "intermediate_size": 128, "n_layer": 9}'
        )
        known = facts_of(seen("m/config.json", text))
        names = ("embedding_length", "block_count", "attention_head_count", "feed_forward_length")

        assert [known[name] for name in names] == [64, 2, 4, 128]
        assert known["attention_head_count_kv"] == 1
        tokenizer = seen("m/tokenizer_config.json", b'{"tokenizer_class": "LlamaTokenizer"}')
        assert facts_of(tokenizer)["tokenizer_class"] == "LlamaTokenizer"

    def test_timm(self) -> None:
        text = b'{"architecture": "resnet18", "num_classes": 10}'
        known = facts_of(seen("m/config.json", text))

        assert (known["architecture"], known["library"]) == ("resnet18", "timm")

    def test_other_programs_configurations_are_none(self) -> None:
        assert look("etc/app/config.json", b'{"port": 80}') is None
        assert look("etc/app/config.json", b"not JSON at all") is None

    def test_a_broken_one_with_a_models_name_is_told(self) -> None:
        found = seen("m/adapter_config.json", b'{"peft_type": ')

        assert ids_of(found) == {"config-unreadable"}
        assert found.role is Role.CONFIG


class TestCard:
    def test_no_front_matter(self) -> None:
        found = seen("m/README.md", b"# A model\n\n## Limitations\n\nMany.\n")

        assert facts_of(found)["limitations"] == "Many."

    def test_limits_go_before_what_is_out_of_scope(self) -> None:
        text = b"## Out-of-Scope Use\nLaw.\n## Bias, Risks, and Limitations\nFew films.\n"
        known = facts_of(seen("m/README.md", text))

        assert known["limitations"] == known["ethical_considerations"] == "Few films."
        alone = facts_of(seen("m/README.md", text.partition(b"## Bias")[0]))
        assert alone["limitations"] == "Law."
        assert "ethical_considerations" not in alone

    def test_other_sections(self) -> None:
        text = (
            b"# M\n- **Developed by:** [Acme](https://acme.example) Research\n## Training Details\n"
            b"IMDB.\n### Preprocessing\nLower case.\n## Model Examination\nSHAP.\n"
        )
        known = facts_of(seen("m/README.md", text))

        assert known["author"] == "Acme Research"
        assert known["training"] == "IMDB.\n### Preprocessing\nLower case."
        assert known["preprocessing"] == "Lower case."
        assert known["explainability"] == "SHAP."

    def test_what_a_template_left_unwritten_is_not_known(self) -> None:
        text = (
            b"- **Developed by [optional]:** [More Information Needed]\n## Uses\n"
            b"<!-- Address questions around intended use. -->\n### Direct Use\n"
            b"[More Information Needed]\n## Bias, Risks, and Limitations\n"
            b"<!-- technical -->\n[More Information Needed]\n## Limitations\nSome.\n"
            b"```python\n# training goes like this\nfit()\n```\n<!-- never closed"
        )
        known = facts_of(seen("m/README.md", text))

        assert known.keys() == {"kind", "limitations"}
        assert known["limitations"].startswith("Some.")

    def test_many_comments_and_fences_take_no_long_time(self) -> None:
        for piece in (b"<!--", b"-->", b"```\n", b"# uses\n", b"- **Developed by"):
            seen("m/README.md", b"# M\n" + piece * 50_000)

    @pytest.mark.parametrize(
        ("said", "known"),
        [
            ("12.5", "12.5 g of CO2 equivalent"),
            (
                "{emissions: 3, source: codecarbon, hardware_used: 1 A100, other: 1}",
                "3 g of CO2 equivalent; source: codecarbon; hardware used: 1 A100",
            ),
            ("{source: codecarbon}", None),
            ("[1]", None),
        ],
    )
    def test_emissions(self, said: str, known: str | None) -> None:
        found = facts_of(seen("m/README.md", f"---\nco2_eq_emissions: {said}\n---\n".encode()))
        assert found.get("emissions") == known

    def test_a_measured_metric_is_not_named_again(self) -> None:
        results = "model-index: [{results: [{metrics: [{type: f1, value: 1}]}]}]"
        text = f"---\nmetrics: [f1, bleu]\n{results}\n---\n"
        metrics = facts_of(seen("m/README.md", text.encode()))["metrics"]
        assert metrics == [{"type": "f1", "value": 1}, {"type": "bleu"}]

    @pytest.mark.parametrize(
        "text",
        [
            "a: &a [x]\nb: *a",
            "a: " + "[" * 100 + "]" * 100,
            "a: [",
            "a: " + "x" * 600_000,
            "2024-13-45: x\nb: 2024-13-45",
        ],
    )
    def test_front_matter_that_is_refused(self, text: str) -> None:
        found = seen("m/README.md", f"---\n{text}\n---\n# A model\n".encode())

        assert ids_of(found) == {"card-unreadable"} or found.safety.findings == ()
        assert found.safety.verdict is Verdict.SAFE

    def test_aliases_are_refused(self) -> None:
        found = seen("m/README.md", b"---\na: &a [x]\nb: *a\n---\n")
        assert "aliases" in found.safety.findings[0].message

    def test_several_licences_and_none(self) -> None:
        two = facts_of(seen("m/README.md", b"---\nlicense: [mit, apache-2.0]\n---\n"))
        other = facts_of(seen("m/README.md", b"---\nlicense: other\nlicense_name: llama3\n---\n"))

        assert two["license"] == "MIT OR Apache-2.0"
        assert "license" not in other
        assert other["license_name"] == "llama3"

    def test_metrics_that_are_no_numbers(self) -> None:
        index = (
            "---\nmodel-index:\n- name: x\n  results:\n  - task: {type: t}\n    metrics:\n"
            "    - {type: accuracy, value: .nan}\n    - {type: f1, value: [1, 2]}\n"
            "    - {type: bleu, value: 2024-01-01}\n    - 7\n---\n"
        )
        known = facts_of(seen("m/README.md", index.encode()))

        assert known["metrics"] == [
            {"type": one, "task": "t"} for one in ("accuracy", "f1", "bleu")
        ]

    def test_a_card_of_another_encoding(self) -> None:
        assert seen("m/README.md", b"---\nlicense: mit\n---\n\xff\xfe").role is Role.CARD


class TestLicense:
    @pytest.mark.parametrize(
        ("text", "identifier"),
        [
            (MIT, "MIT"),
            ("Apache License\nVersion 2.0, January 2004", "Apache-2.0"),
            ("LLAMA 3.1 COMMUNITY LICENSE AGREEMENT", "LicenseRef-llama3.1"),
            ("Creative Commons Attribution 4.0 International", "CC-BY-4.0"),
        ],
    )
    def test_texts_are_recognised(self, text: str, identifier: str) -> None:
        assert facts_of(seen("m/LICENSE", text.encode()))["license"] == identifier

    def test_a_list_of_what_is_under_which_licence_is_none(self) -> None:
        text = b"Words: CC0 1.0 Universal.\nNames: Attribution-ShareAlike 4.0 International.\n"
        assert "license" not in facts_of(seen("m/corpus_license.md", text))
        assert facts_of(seen("m/corpus_license.md", text[:26]))["license"] == "CC0-1.0"

    def test_an_unknown_text_is_a_licence_without_a_name(self) -> None:
        found = seen("m/LICENSE", b"You may do what I say.")

        assert found.role is Role.LICENSE
        assert "license" not in facts_of(found)


class TestCachedBlobs:
    BLOB = f"hub/models--acme--x/blobs/{'a' * 40}"

    @pytest.mark.parametrize(
        ("content", "role"),
        [
            (b'{"model_type": "bert"}', Role.CONFIG),
            (b'{"tokenizer_class": "T"}', Role.TOKENIZER),
            (b"---\nlicense: mit\n---\n", Role.CARD),
            (MIT.encode(), Role.LICENSE),
            (b"just words\n", Role.OTHER),
            (b'{"broken', Role.OTHER),
        ],
    )
    def test_nameless_companions_are_known_by_content(self, content: bytes, role: Role) -> None:
        assert seen(self.BLOB, content).role is role

    def test_a_reference_that_is_no_commit_is_none(self) -> None:
        assert look("hub/models--acme--x/refs/main", b"../../../etc/passwd") is None
