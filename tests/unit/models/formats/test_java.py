"""Models that Java serialized: Weka 3.8.6 wrote one, the others are written by hand."""

from __future__ import annotations

import base64
import gzip
import random
import struct
import time
import zlib

import pytest

from lading.inventory import Verdict
from lading.models import vocabulary as v
from support.models_streams import facts_of, ids_of, look, seen

BAYES = zlib.decompress(
    base64.b85decode(
        """
c-pO1U1(fI6rSA8CaF>LSBudkZ3wB7>TXIED+|d@vj*4hZbP<d>IPY7cPG2o+@I~tY_bVN8;M$|sQ6RxLFhvjG^Ggjp-
`k$p}xe2_#)IF{Cnt&P#=oa2kV@<duMmk7%Dihb7$wC^UZg@bLQN$zau}RsCS;s;y}j4j2SZqp)8Qb3xoyY*q9>+V42uA<$L
SO<h+KOBIs@_6)#$&U`|*Pby%rMM#2WmP{NHx%nip*qV00`AfYxfpJLpwFn4GYby}&c!3ri`h&fqeM(jgocFdvTZ4`hcsDR?
sNEZQ!qX(nFE=W8K7F2MdC~B}$a56^$*KEcxxd<T0iUmUF3`Vj+%w04RR2)fY8nsAIbr9pIdwP1yvzo0`MA%_FBMi`eu5HGl
B&fDSC5rlPQ*$IO&cPWzs`ipYE4`oZ?u%)tK8YFy6Ou0GlIVW1a^emj&6CXRC@$c%VH(^ZEP~ptlwGvKBqQjU<0ck|Nk#`S&
*T##B#zpnFW@;GG_jovCPZL%E>tQY7#c^uy@P|W5<ivkN}PeRG(^RFK6dle+vj$Ds3Bh%HCd^#acVd;jP9{giK2CAX4EO#oK
3?kcgc}99TwqtZiH5l=XRJ4kyCrF-f7Tb)Mllmjz_RrBoRAHN=dX$2;oR2A-
GG|Wq_z|xV+GJxz8d6K0_b9zI`>5>=9v0DKx#cY*v02gq@f7O-YAN{QTTWwtW3-1tC1TwsL6wbz*J(&1=odLFm16qj?-
^zH%|@qKhvbec8IKp@uNjbc|p-
4Cx)GBI8Wdr>nfEvMi?AFqx}lLW(2AYN`33I2K0tmUpIzk;`*dI)+|E%~hJ|iGfdG=<PFd=ylK5-5fSnbo0_J82WnX`-
g9Q@rK^yIxqm}s0KK?8~lg|FnsNV96Ie<gQ0(SWc8Jv3lknd5dhkxCbvOplFF)=$KfCMEdB8JUsHNlIbnOt&wu68HYvvjfE9
h9>=-
>>3qVnadsD>?4yYS^>tfS8kCBhhh)l>%Co4^sUIc13YS?h`#ETKHt;k*=Z=Pr*W^ja3ybu+gWkbgRz7Is90miXK*kMNj2y{c
Xl#VKxr!mXNa6y2GEKU$pwpH*1oCdeByfDBk0A2xgcxm~Y?)SgKANWvR1l2RqAEb+Kz8>b<*cFi*=Z8L9SnS6#_D0|?!xr^;
c%eXK8*oc03dL5%f5zdcv#KA~yb8(AuC`)?W7ng5GY{{z+uLgccJo@!Z=t|ZeV$-
0mE8#?u<>=HW!R7)WuaAf3L!#IMTEE`jImk6{L0d&YkwU7c1c5;%q8T6<FrX?Gp@D;XCaY$|75yLh1&Ee%Z`gJ{k_lpcEN|V
F?5&d;Ov<AJ~%Xjw(&eAEbo}vQejw^M1Av6vVOOZ`*V~KTfnwSSZMa5csa=t+WyPwGk-3>wqJvs`{#g$=*O)UJMq;{6Z-
1e_qv<k{pqCFpO64eix0}I<oqZ|RFcbXI8hdi27e!cX|N=8^~<JQF+$P^l@u!#tf*jr<JHSw?s$IvKZGi46u|owB?OCo>aQf
!Uqx7a;5fl@qf=cCkDpidUK#w)bp*Q)$$4OljHyWOQ0_2HV_V7%8;@_U+z?Dpz!ZULKTJAIPnM<n2Sph7+W""".replace(
            "\n", ""
        )
    )
)
MAGIC = b"\xac\xed\x00\x05"


def text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()


def described(name: str, flags: int = 2, fields: bytes = b"\0\0", above: bytes = b"p") -> bytes:
    return b"r" + text(name) + bytes(8) + bytes([flags]) + fields + b"x" + above


def an_object(name: str, flags: int = 2, *, above: bytes = b"p", data: bytes = b"") -> bytes:
    return b"s" + described(name, flags, above=above) + data


def test_a_classifier_of_weka() -> None:
    for path, data in (("srv/tea.model", BAYES), ("srv/tea.model.gz", gzip.compress(BAYES))):
        found = seen(path, data)
        assert (found.format, found.safety.verdict) == ("java-serialized", Verdict.SAFE)
        known = facts_of(found)
        assert (known[v.LIBRARY], known[v.ARCHITECTURE]) == ("weka", "NaiveBayes")
        assert "weka.estimators.NormalEstimator" in known[v.GLOBALS]


def test_wherever_it_is_cut_it_is_told_but_between_its_two_objects() -> None:
    whole = [
        size
        for size in range(4, len(BAYES))
        if seen("m.model", BAYES[:size]).safety.verdict is not Verdict.UNSCANNABLE
    ]
    assert len(whole) == 1
    assert look("m.ser", BAYES[:4]) is None


LEARNER = an_object("weka.classifiers.trees.J48")


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("java.util.ArrayList", Verdict.SAFE),
        ("[Ljava.lang.String;", Verdict.SAFE),
        ("[[D", Verdict.SAFE),
        ("cc.mallet.types.Alphabet", Verdict.SAFE),
        ("com.acme.Thing", Verdict.SUSPICIOUS),
        ("java.util.ServiceLoader", Verdict.SUSPICIOUS),
        ("org.apache.commons.collections4.functors.InvokerTransformer", Verdict.DANGEROUS),
        ("[Lcom.sun.org.apache.xalan.internal.xsltc.trax.TemplatesImpl;", Verdict.DANGEROUS),
        ("org.codehaus.groovy.runtime.MethodClosure", Verdict.DANGEROUS),
        ("sun.reflect.annotation.AnnotationInvocationHandler", Verdict.DANGEROUS),
        ("java.net.URL", Verdict.DANGEROUS),
    ],
)
def test_each_class_is_judged(name: str, verdict: Verdict) -> None:
    for data in (
        LEARNER + b"v" + described(name),
        an_object("weka.core.Box", 3, data=b"v" + described(name) + b"x"),
        an_object("weka.core.Box", 12, data=b"w\x02ab" + b"v" + described(name) + b"x"),
        an_object("weka.core.Box", above=described(name)),
        an_object("weka.core.Box", 0x82, above=described(name, 0xF2)),
    ):
        assert seen("x.ser", MAGIC + data).safety.verdict is verdict


def test_proxies_and_constants_and_blocks() -> None:
    proxy = b"}" + struct.pack(">I", 1) + text("java.rmi.Remote") + b"xp"
    assert seen("x.ser", MAGIC + LEARNER + b"v" + proxy).safety.verdict is Verdict.DANGEROUS
    constant = b"~" + described("weka.core.Kind", 0x12) + b"t" + text("ONE")
    blocks = b"w\x03abc" + b"z" + struct.pack(">I", 2) + b"ab" + b"y" + b"|" + struct.pack(">Q", 1)
    assert seen("x.ser", MAGIC + constant + blocks + b"a").safety.verdict is Verdict.SAFE


def test_what_is_dangerous_is_told_though_the_stream_is_broken() -> None:
    found = seen("x.ser", MAGIC + LEARNER + an_object("java.net.URL") + b"?")
    assert ids_of(found) == {"java-dangerous-class", "unscannable"}
    assert found.safety.verdict is Verdict.DANGEROUS


def test_objects_of_other_programs_are_no_models_unless_their_name_says_so() -> None:
    for data in (an_object("com.acme.Session"), b"w\x05ab", b"", b"sp"):
        assert look("var/session.ser", MAGIC + data) is None
    assert seen("m/x.model", MAGIC + an_object("com.acme.Own")).safety.verdict is Verdict.SUSPICIOUS


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"q" + struct.pack(">I", 0x7E_0009),
        b"sp",
        b"ur" + text("[I")[:1],
        an_object("weka.core.Box", 4),
        b"s" + described("weka.core.Box", fields=b"\0\1?" + text("x")),
        b"s" + described("weka.core.Box", above=b"q" + struct.pack(">I", 0x7E_0000)),
        b"u" + described("[D") + struct.pack(">I", 9) + bytes(71),
    ],
)
def test_streams_that_nobody_can_walk(data: bytes) -> None:
    assert seen("m.model", MAGIC + data).safety.verdict is Verdict.UNSCANNABLE


def test_objects_that_are_nested_deeply_take_no_time() -> None:
    started = time.monotonic()
    deep = MAGIC + (b"u" + described("[Ljava.lang.Object;") + struct.pack(">I", 1)) * 50_000
    assert seen("m.model", deep).safety.verdict is Verdict.UNSCANNABLE
    assert time.monotonic() - started < 20


def test_wrong_bytes_never_raise() -> None:
    choices = random.Random(4)
    for _ in range(400):
        data = bytearray(BAYES)
        for _ in range(3):
            data[choices.randrange(4, len(data))] = choices.randrange(256)
        look("m.model", bytes(data))
