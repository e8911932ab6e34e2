"""Language models of KenLM's, as its ``build_binary`` wrote them."""

from __future__ import annotations

import base64
import random
import struct
import zlib

import pytest

from lading.inventory import Verdict
from support.models_streams import facts_of, look, seen

HASHED = """
c-qU&O)OBz$yLZGDJihh*U!#KO-
##7%}LQq&d=3P&QD2INXswEO)OC;OD!tS%+FIW<zhg9274f}pAks>2Lg}?BUFYNOdhaD7UP4`JW!gQ0TqDc3+fd2TDFzK^}s
;)iCtCdJW~WgdbAfkm0F{2y#(YEuAJ{5Yl|ObGXdGg>K}BMwum%v0NKHolV;d{uN45<RsTZqOQN&NBVGo|z+wJnt0VR<@n%6
2m++ruX*;o;lNHF`*lz3j<azIGkpBg<voBu~7iZ@Lvi(|=vRl<0HMr6A@+dzIS@qV@fepw$d!}dqteG?S0WpjQg<pfQ@n$d|
7@lDI?3puA`J472IxX!Pm^L>4Y!8v|0n^nYePCKMrXNgSUpxU!x4xce4>1n{1fH;7;7Cqan>AC?{_Gi_ebyp{^Jk=m7z6FG1
=+vY*fm5`>)OP1?hp5Z<Zah1KlIW=(5U~=S1`XPBs^O-Rs9FhOgj)CJ>04y{97+iR7wGww+|$rA-Za*G{eW-
w6wJSAoB@@yA7+N@RB3D^nm)o_Qka)JhOkJ5DR33!{^s}{zoPY@;?IkSnWp#iUC?40tH(FjE#-
$v8jKW6MboNt;TI26D+@}Y84M}RXHC%vt{c_=I>EgUk=I-
Z)|=fKiS7s26FFr&E|I@Sr?i>;VmYXbd}X#tREB(GcqQIrq~#M1BUtj*;$@dEAJRB0J>*CioZ+qvh5gbih)=kNED@}Fr*iyr
sgpu<&>r}l%ysyB$pO2<fkztGL&SbGGyi^rl&IGBvz&tG2{YsZVm$gY+oK-"""
TRIE = """
c-qU&O)OBz$yLZGDJihh*U!#KO-
##7%}LQq&d=3P&QD2INXswEO)OC;OD!tS%+FIW<zhg9274f}pAks>2Lg}?BUFYNOdhajf{KAKA5@M9O0y%G#0#Yh>J;}{wv{
pnW@lf%BreV_;XljLc49eau;ru~w%=<7x=-w?Qs<c>=+~l@-
KyrO!K3^%WYt?ohr|5KR!8hz;?0%w{bOzMgKT5<54uZRL>e}>+j>5E-aA`+(Nn24>efr@UnqV_bXIu;v-
j+op8d0C&fEv%1KB8ibosMq&Vczae_mfa0fnEI_6*Etg7P(E`oVl=xcN81d=|LR4}ke>NcMvQ7REO={tTAqg!4Cp`LI~17U@
Ibx4xbT=5sTk0v-nJ;9-@>z3jBKPpu}##=n6YYZO5-
nwF*(UtnxJdHu|pC(VCo#M}odnR@QbnLi*Usb|mlfFk}ttg&%1KaepYH!bZO$cH(ZX=z|3(!g-
q3o>PMTG}#@Dc4~ZTEG|!XU=@t4GgY0V9@=k05X=(nki`yG~k;n&}M#QN7|I;W!o{>6x%T*G9=}crZVItR;Cs)B$pO2WacKO
r!thJCNiWKrKaXF*ysaQ<)<+erKT{HWTZ0W0+VnK0{{^T+^P"""
QUANTIZED = """
c-qU&O)OBz$yLZGDJihh*U!#KO-
##7%}LQq&d=3P&QD2INXswEO)OC;OD!tS%+FIW<zhg9274f}pAks>2Lg}?BUFYNOdhajhKhkOA5@M9O0y%G#0#Yh>J;}{wv{
pnW@lf%BreV_;XljLc49eau;ru~w%=<7x=-w?Qs<c>=+~l@-
KyrO!K3^%WYt?ohr|5KR!8hz;?0%w{bOzMgKT5<54uZRL>e}>+j>5E-
aA`+(Nn24>efr@UnqV_bXIu;vzLj58RnP&X=!Qu&z|wwZ)|J~#<ONh?g#nr?3pwBKzP>7nLyfSU;m-
6dqH@e`@_9JaWDoM05Sz6j}3#&2VrEhVdldyvOO@nAQ)sv&wh{?%-
ujX3Ljk_s0Yl4#mDu<6HxeRY0toXCMaJsrXS2_hMRvA%x8he&;c-?4at6xpJ9As<IiAuPB?!vm=8-
W)gpZ;{MOeK!F+B8RKUZ49V~2np<uMZWX061lnJtPdNWo^6>Yx6U;&ff_%T(-
Ytluya+}h;Y&!;<VmpRJhNPU*REC_y%G4r;<kA9$%-qEERECn&M27UD)YLo%8-1Xv{4|E5)D(u2j8ukPV4}}q003PE0yh"""
FILES = {
    name: zlib.decompress(base64.b85decode(text.replace("\n", "")))
    for name, text in (("hashed", HASHED), ("trie", TRIE), ("quantized", QUANTIZED))
}
COUNTS = 88  # where order, ratio, kind, words and counts begin


@pytest.mark.parametrize("name", FILES)
def test_it_is_safe_when_it_is_whole(name: str) -> None:
    found = seen("m/lm.binary", FILES[name])
    assert (found.format, found.safety.verdict) == ("kenlm", Verdict.SAFE)
    assert facts_of(found) == {
        "library": "kenlm", "architecture": "NGram", "format_version": "5", "vocabulary_size": 14,
    }  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_wherever_it_is_cut_it_is_told(name: str) -> None:
    data = FILES[name]
    for size in [*range(60, len(data) - 40, 13), *range(len(data) - 40, len(data))]:
        assert seen("m/lm.binary", data[:size]).safety.verdict is Verdict.UNSCANNABLE, size


def test_another_kind_of_search_ends_with_the_words_too() -> None:
    data = bytearray(FILES["trie"])
    data[COUNTS + 8] = 5
    assert seen("m/lm.binary", bytes(data)).safety.verdict is Verdict.SAFE
    assert seen("m/lm.binary", bytes(data[:-2])).safety.verdict is Verdict.UNSCANNABLE


def test_that_of_another_machine_is_not_looked_into() -> None:
    data = FILES["hashed"][:56] + FILES["hashed"][56:88][::-1] + bytes(300)
    assert seen("m/lm.binary", data).safety.verdict is Verdict.SAFE
    assert "vocabulary_size" not in facts_of(seen("m/lm.binary", data))
    assert seen("m/lm.binary", data[:200]).safety.verdict is Verdict.UNSCANNABLE


def test_a_model_without_its_words() -> None:
    data = bytearray(FILES["hashed"])
    data[COUNTS + 12] = 0
    assert seen("m/lm.binary", bytes(data[:924])).safety.verdict is Verdict.SAFE
    assert seen("m/lm.binary", bytes(data[:923])).safety.verdict is Verdict.UNSCANNABLE


@pytest.mark.parametrize("ratio", [float("nan"), float("inf"), -1.5, 3e38])
def test_ratios_that_are_none(ratio: float) -> None:
    data = bytearray(FILES["hashed"])
    data[COUNTS + 4 : COUNTS + 8] = struct.pack("<f", ratio)
    assert seen("m/lm.binary", bytes(data)).safety.verdict is Verdict.UNSCANNABLE


@pytest.mark.parametrize("name", FILES)
def test_wrong_bytes_never_raise(name: str) -> None:
    choices = random.Random(3)
    for _ in range(300):
        data = bytearray(FILES[name])
        for _ in range(3):
            data[choices.randrange(52, 170)] = choices.randrange(256)
        look("m/lm.binary", bytes(data))
