r"""Models that Java serialized: Weka's, MALLET's, LingPipe's, those of Stanford's older tools.

``\xac\xed`` and version 5, then objects whose class descriptions have the class's name, a number
and flags (Java Object Serialization Specification, section 6.4.2). Who loads one makes objects of
every class that it names, and runs what these classes do when they are read: with the wrong ones at
hand that is any program. The stream is walked to its end (``java_stream``), and
nothing made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.inventory import Level, Verdict
from lading.models import vocabulary as v
from lading.models.formats.java_stream import MAGIC, walk
from lading.models.report import printable
from lading.models.stream import Malformed
from lading.models.suffixes import MODEL

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "java-serialized"
#: Packages of learners → their library.
_LIBRARIES: Final = {
    "weka.": "weka", "moa.": "moa", "meka.": "meka", "mulan.": "mulan", "cc.mallet.": "mallet",
    "edu.stanford.nlp.": "stanford-corenlp", "com.aliasi.": "lingpipe", "opennlp.": "opennlp",
    "org.maltparser.": "maltparser", "libsvm.": "libsvm", "de.bwaldvogel.liblinear.": "liblinear",
    "org.deeplearning4j.": "deeplearning4j", "org.nd4j.": "nd4j", "smile.": "smile",
    "org.tribuo.": "tribuo", "org.apache.spark.ml.": "spark", "org.apache.spark.mllib.": "spark",
    "hex.": "h2o",
}  # fmt: skip
_LEARNERS: Final = tuple(_LIBRARIES)
#: Classes that only hold data, and those that numbers are kept in.
_PLAIN: Final = re.compile(
    r"java\.lang\.(?:Boolean|Byte|Character|Double|Enum|Float|Integer|Long|Number|Object|Short|String)"
    r"|java\.util\.(?:[A-Z]\w*(?:List|Map|Set|Queue|Deque)|Hashtable|Vector|Stack|BitSet|Date|Locale"
    r"|Properties|Random|TreeMap|UUID|(?:Arrays|Collections)\$\w+|regex\.Pattern"
    r"|concurrent\.(?:atomic\.\w+|ConcurrentHashMap(?:\$\w+)?|locks\.\w+(?:\$\w+)?))"
    r"|java\.(?:math|text|time)\.\w+|java\.io\.File"
    r"|(?:gnu\.trove|it\.unimi\.dsi\.fastutil|no\.uib\.cipr\.matrix|org\.ejml)\.[\w.$]+"
)
#: Classes by which reading an object runs something else: the known chains end in one of these.
_HARMFUL: Final = re.compile(
    r"java\.lang\.(?:Process\w*|Runtime|invoke\.|reflect\.)|java\.(?:beans|rmi)\.|java\.net\.URL\b"
    r"|java\.security\.SignedObject|javax\.(?:management|naming|script|swing)\.|sun\.|com\.sun\."
    r"|org\.apache\.(?:commons\.(?:beanutils|collections\d?\.(?:comparators|functors|keyvalue|map)"
    r"|fileupload|dbcp\d?)|xalan|wicket|myfaces|click|tomcat|batik|logging|log4j)\."
    r"|org\.(?:codehaus\.groovy|springframework|hibernate|mozilla\.javascript|python|jboss|aspectj)\."
    r"|com\.(?:mchange\.v2|rometools|vaadin|zaxxer|caucho)\.|groovy\.|clojure\.|bsh\.|net\.sf\.json\."
)


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts a stream of objects."""
    return head.startswith(MAGIC)


def parse(source: Source, report: Report) -> bool:
    """Judge every class that is named; False when none of them learns anything."""
    report.format = FORMAT
    names: dict[str, None] = {}
    broken = None
    try:
        walk(source, names)
    except Malformed as error:
        broken = error
    plain = [name.lstrip("[").removeprefix("L").rstrip(";") for name in names]
    learners = [name for name in plain if name.startswith(_LEARNERS)]
    if not learners and not report.named.endswith(tuple(MODEL)):
        return False
    if learners:
        prefix = next(one for one in _LEARNERS if learners[0].startswith(one))
        report.fact(v.LIBRARY, _LIBRARIES[prefix], "class of the object")
        report.fact(v.ARCHITECTURE, printable(learners[0].rpartition(".")[2]), "first such class")
    report.fact(v.GLOBALS, [printable(name) for name in sorted(names)], "class descriptions")
    _judge(plain, report)
    if broken is not None:
        raise broken
    if not names:
        raise Malformed("no object is in it")
    return True


def _judge(names: list[str], report: Report) -> None:
    for name in names:
        if _HARMFUL.match(name):
            text = f"loading it makes a {printable(name)}, which can run anything"
            report.find("java-dangerous-class", text, Level.ERROR, Verdict.DANGEROUS)
    for name in names:
        known = "." not in name or name.startswith(_LEARNERS) or _PLAIN.fullmatch(name)
        if not known and not _HARMFUL.match(name):
            text = f"loading it makes a {printable(name)}"
            report.find("java-suspicious-class", text, Level.WARNING, Verdict.SUSPICIOUS)
