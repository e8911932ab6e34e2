"""Which names a pickle may import: reconstruction helpers yes, anything that can run code no.

Three answers. *Safe*: known to rebuild plain data. *Dangerous*: known to run code, reach the
system, or reach any attribute of anything. Everything else is *suspicious*: importing a module
runs its top level, and nobody has said that this one is meant to be there. So is
``functools.partial``: it reaches nothing that the pickle does not import by its own name, which is
judged, and to call one that was made is a call of what an earlier call returned.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from lading.inventory import Verdict

__all__ = ["GETTER", "KNOWN_WORDS", "judge"]

#: What a time zone's own pickle calls ``getattr`` with: class, and the name of its constructor.
GETTER: Final = (("zoneinfo", "ZoneInfo"), "_unpickle")

#: Modules of which every name is dangerous, their submodules too.
_DANGEROUS_MODULES_WORDS: Final = """
_aix_support _asyncio _bootsubprocess _ctypes _frozen_importlib _frozen_importlib_external _imp
_io _interpreters _multiprocessing _osx_support _posixshmem _posixsubprocess _pyio _pyrepl _signal
_socket _sqlite3 _ssl _thread _tkinter _winapi _xxsubinterpreters aiohttp antigravity ast asyncio
asyncore bdb cgitb cloudpickle.cloudpickle_fast cmd code codeop commands compileall
concurrent.futures concurrent.interpreters cProfile ctypes dill._dill dis distutils doctest
ensurepip fabric faulthandler ftplib gc http httplib httpx idlelib imaplib imp importlib inspect
io joblib.externals lib2to3 logging.config mailcap marshal mmap modulefinder msvcrt
multiprocessing nt numpy.ctypeslib numpy.distutils numpy.f2py numpy.testing ntpath nturl2path os
paramiko pathlib pdb pickle _pickle pickletools pip pipes pkgutil platform poplib posix posixpath
profile psutil pty py_compile pydoc readline requests resource rlcompleter runpy setuptools shelve
shutil signal site smtplib socket socketserver sqlite3 ssl subprocess symtable sys sysconfig
syslog telnetlib tempfile test threading timeit tkinter turtledemo unittest torch.hub
torch.utils.cpp_extension torch.utils._config_module torch.distributed torch._dynamo
torch._inductor torch.fx torch.jit torch.package torch.serialization torch.utils.bottleneck
torch.utils.collect_env logging.handlers trace tracemalloc types urllib urllib2 urllib3 uuid venv
webbrowser winreg wsgiref xmlrpc zipapp zipfile zipimport zipimporter
"""
_DANGEROUS_MODULES: Final = frozenset(_DANGEROUS_MODULES_WORDS.split())

#: Names that are dangerous in modules that are not.
_DANGEROUS_WORDS: Final = """
builtins.__build_class__ builtins.__import__ builtins.__loader__ builtins.breakpoint
builtins.classmethod builtins.compile builtins.delattr builtins.dir builtins.eval builtins.exec
builtins.execfile builtins.exit builtins.file builtins.filter builtins.format builtins.getattr
builtins.globals builtins.help builtins.input builtins.locals builtins.map builtins.memoryview
builtins.open builtins.property builtins.quit builtins.reduce builtins.reload builtins.setattr
builtins.staticmethod builtins.super builtins.type builtins.vars builtins.apply operator.attrgetter
operator.methodcaller operator.itemgetter operator.call _operator.attrgetter _operator.methodcaller
_operator.itemgetter _operator.call functools.partialmethod functools.reduce
functools.cached_property _functools.reduce functools.singledispatch functools.wraps
itertools.starmap itertools.accumulate itertools.filterfalse copyreg.add_extension copyreg.pickle
copyreg.constructor contextlib.contextmanager contextlib.ExitStack
cloudpickle.cloudpickle._make_cell cloudpickle.cloudpickle._make_empty_cell logging.FileHandler
torch.utils.data.datapipes.utils.decoder.basichandlers cloudpickle.cloudpickle.subimport
cloudpickle.cloudpickle._make_function cloudpickle.cloudpickle._builtin_type
cloudpickle.cloudpickle._make_skeleton_func cloudpickle.cloudpickle._fill_function
cloudpickle.cloudpickle._make_skeleton_class cloudpickle.cloudpickle._rehydrate_skeleton_class
cloudpickle.cloudpickle._function_setstate cloudpickle.cloudpickle._class_setstate
cloudpickle.cloudpickle.dynamic_subimport cloudpickle.cloudpickle._lookup_class_or_track
joblib.load joblib.numpy_pickle.load joblib.memory.Memory numpy.load numpy.loadtxt numpy.genfromtxt
numpy.fromfile numpy.save numpy.savetxt numpy.frompyfunc numpy.vectorize numpy.apply_along_axis
numpy.apply_over_axes numpy.piecewise numpy.core.multiarray.fromfile
numpy._core.multiarray.fromfile numpy.memmap numpy.lib.npyio.load numpy.lib._npyio_impl.load
numpy.lib.utils.safe_eval torch.load torch.save torch.compile torch.ops torch.classes
torch.storage._load_from_bytes torch._utils._import_dotted_name pandas.eval pandas.read_pickle
pandas.io.pickle.read_pickle cloudpickle.load cloudpickle.loads dill.load dill.load_module
dill.load_session dill.loads pandas.core.computation.eval pandas.io.common.get_handle
pandas.read_csv _codecs.open codecs.open codecs.register weakref.finalize atexit.register
random._os random._inst collections._sys keras.models.load_model tensorflow.io.read_file
tensorflow.io.write_file sklearn.utils._joblib.load sklearn.externals.joblib.load
"""
_DANGEROUS: Final = frozenset(_DANGEROUS_WORDS.split())

#: Names that rebuild plain data.
_SAFE_WORDS: Final = """
builtins.bool builtins.bytearray builtins.bytes builtins.complex builtins.dict builtins.float
builtins.frozenset builtins.int builtins.list builtins.long builtins.object builtins.range
builtins.set builtins.slice builtins.str builtins.tuple builtins.unicode builtins.xrange
builtins.Ellipsis builtins.NotImplemented collections.ChainMap ipaddress.IPv4Address
ipaddress.IPv4Interface ipaddress.IPv4Network ipaddress.IPv6Address ipaddress.IPv6Interface
ipaddress.IPv6Network re._compile zoneinfo.ZoneInfo _codecs.encode copyreg._reconstructor
copyreg.__newobj__ copyreg.__newobj_ex__ collections.Counter collections.OrderedDict
collections.defaultdict collections.deque datetime.date datetime.datetime datetime.time
datetime.timedelta datetime.timezone decimal.Decimal fractions.Fraction argparse.Namespace
enum.Enum array.array array._array_reconstructor numpy.dtype numpy.bool numpy.bool_ numpy.bytes_
numpy.complex128 numpy.complex64 numpy.datetime64 numpy.float16 numpy.float32 numpy.float64
numpy.int16 numpy.int32 numpy.int64 numpy.int8 numpy.intc numpy.longdouble numpy.longlong
numpy.object_ numpy.str_ numpy.timedelta64 numpy.uint16 numpy.uint32 numpy.uint64 numpy.uint8
numpy.void dill._dill._create_array numpy.ndarray numpy.matrix numpy.recarray numpy.record
numpy.core.records.recarray numpy.core.records.record numpy.mean numpy.median numpy.ma.MaskedArray
numpy.polynomial.polynomial.Polynomial numpy._core._internal._convert_to_stringdtype_kwargs
numpy.ma.core.MaskedArray numpy.ma.core._mareconstruct numpy.rec.recarray
numpy.core.multiarray._reconstruct numpy._core.multiarray._reconstruct numpy.core.multiarray.scalar
numpy._core.multiarray.scalar numpy.core.numeric._frombuffer numpy._core.numeric._frombuffer
numpy.core.multiarray.ndarray numpy._core.multiarray.ndarray
numpy.core._internal._convert_to_stringdtype_kwargs numpy.random.mtrand.RandomState
numpy.random._pickle.__bit_generator_ctor numpy.random._pickle.__generator_ctor
numpy.random._pickle.__randomstate_ctor numpy.random.__RandomState_ctor
numpy.random._mt19937.MT19937 numpy.random._pcg64.PCG64 numpy.random._philox.Philox
numpy.random._sfc64.SFC64 numpy.random.bit_generator.SeedSequence
joblib.numpy_pickle.NumpyArrayWrapper sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper
torch.Size torch.device torch.dtype torch.Tensor torch.bfloat16 torch.bool torch.complex128
torch.complex64 torch.float torch.float16 torch.float32 torch.float64 torch.float8_e4m3fn
torch.float8_e5m2 torch.half torch.int torch.int16 torch.int32 torch.int64 torch.int8 torch.long
torch.short torch.uint8 torch.double torch.quint8 torch.qint8 torch.qint32 torch.per_tensor_affine
torch.per_channel_affine torch.per_tensor_symmetric torch.per_channel_symmetric torch.strided
torch.sparse_coo torch.sparse_csr torch.contiguous_format torch.channels_last torch.preserve_format
torch.BFloat16Storage torch.BoolStorage torch.ByteStorage torch.CharStorage
torch.ComplexDoubleStorage torch.ComplexFloatStorage torch.DoubleStorage torch.FloatStorage
torch.HalfStorage torch.IntStorage torch.LongStorage torch.ShortStorage torch.QInt32Storage
torch.QInt8Storage torch.QUInt2x4Storage torch.QUInt4x2Storage torch.QUInt8Storage
torch.storage.TypedStorage torch.ByteTensor torch.CharTensor torch.DoubleTensor torch.FloatTensor
torch.HalfTensor torch.IntTensor torch.LongTensor torch.ShortTensor torch.cuda.ByteTensor
torch.cuda.CharTensor torch.cuda.DoubleTensor torch.cuda.FloatTensor torch.cuda.HalfTensor
torch.cuda.IntTensor torch.cuda.LongTensor torch.cuda.ShortTensor torch.cuda.ByteStorage
torch.cuda.CharStorage torch.cuda.DoubleStorage torch.cuda.FloatStorage torch.cuda.HalfStorage
torch.cuda.IntStorage torch.cuda.LongStorage torch.cuda.ShortStorage torch.storage.UntypedStorage
torch.storage._TypedStorage torch._utils._rebuild_tensor torch._utils._rebuild_tensor_v2
torch._utils._rebuild_tensor_v3 torch._utils._rebuild_parameter
torch._utils._rebuild_parameter_with_state torch._utils._rebuild_qtensor
torch._utils._rebuild_sparse_tensor torch._utils._rebuild_sparse_csr_tensor
torch._utils._rebuild_nested_tensor torch._utils._rebuild_meta_tensor_no_storage
torch._utils._rebuild_wrapper_subclass torch._utils._rebuild_device_tensor_from_numpy
torch._utils._rebuild_device_tensor_from_cpu_tensor torch._tensor._rebuild_from_type_v2
torch.nn.parameter.Parameter torch.nn.parameter.Buffer torch.serialization._get_layout
torch.jit._pickle.build_boollist torch.jit._pickle.build_doublelist torch.jit._pickle.build_intlist
torch.jit._pickle.build_tensor_from_id torch.jit._pickle.build_tensorlist
torch.jit._pickle.restore_type_tag scipy.sparse._csr.csr_matrix scipy.sparse._csc.csc_matrix
scipy.sparse._coo.coo_matrix scipy.sparse.csr.csr_matrix scipy.sparse.csc.csc_matrix
scipy.sparse.coo.coo_matrix scipy.sparse._csr.csr_array scipy.sparse._csc.csc_array
scipy.sparse._dia.dia_matrix scipy.sparse._dok.dok_matrix scipy.sparse._lil.lil_matrix
scipy.sparse._bsr.bsr_matrix scipy.sparse._bsr.bsr_array scipy.sparse._coo.coo_array
scipy.sparse._dia.dia_array scipy.sparse._dok.dok_array scipy.sparse._lil.lil_array
scipy.spatial._kdtree.KDTree scipy.spatial._ckdtree.cKDTree scipy.interpolate._bsplines.BSpline
scipy.interpolate._interpolate.interp1d sklearn.feature_selection._univariate_selection.f_classif
sklearn.feature_selection._univariate_selection.f_regression
sklearn.feature_selection._univariate_selection.chi2
sklearn.feature_selection._mutual_info.mutual_info_classif
sklearn.feature_selection._mutual_info.mutual_info_regression
sklearn.cluster._kmeans._kmeans_single_lloyd sklearn.cluster._kmeans._kmeans_single_elkan
pandas.core.frame.DataFrame pandas.core.series.Series pandas.core.indexes.base.Index
pandas.core.indexes.base._new_Index pandas.core.indexes.range.RangeIndex
pandas.core.indexes.numeric.Int64Index pandas.core.indexes.multi.MultiIndex
pandas.core.indexes.datetimes.DatetimeIndex pandas.core.indexes.datetimes._new_DatetimeIndex
pandas.core.internals.managers.BlockManager pandas.core.internals.managers.SingleBlockManager
pandas._libs.internals._unpickle_block pandas._libs.arrays.__pyx_unpickle_NDArrayBacked
pandas._libs.tslibs.timestamps._unpickle_timestamp pandas.core.arrays.categorical.Categorical
pandas.core.dtypes.dtypes.CategoricalDtype pandas.Categorical pandas.CategoricalDtype
pandas.DataFrame pandas.DatetimeIndex pandas.Index pandas.MultiIndex pandas.RangeIndex
pandas.Series pandas.StringDtype pandas.arrays.DatetimeArray pandas.arrays.StringArray
pandas.BooleanDtype pandas.DatetimeTZDtype pandas.Float32Dtype pandas.Float64Dtype
pandas.Int16Dtype pandas.Int32Dtype pandas.Int64Dtype pandas.Int8Dtype pandas.IntervalDtype
pandas.IntervalIndex pandas.PeriodDtype pandas.PeriodIndex pandas.TimedeltaIndex pandas.UInt16Dtype
pandas.UInt32Dtype pandas.UInt64Dtype pandas.UInt8Dtype pandas.arrays.BooleanArray
pandas.arrays.FloatingArray pandas.arrays.IntegerArray pandas.arrays.IntervalArray
pandas.arrays.PeriodArray pandas.arrays.TimedeltaArray pandas.core.arrays.string_.StringArray
typing.Any torch.torch_version.TorchVersion omegaconf.listconfig.ListConfig
omegaconf.dictconfig.DictConfig omegaconf.base.ContainerMetadata omegaconf.base.Metadata
omegaconf.nodes.AnyNode omegaconf.nodes.StringNode omegaconf.nodes.IntegerNode
omegaconf.nodes.FloatNode omegaconf.nodes.BooleanNode lightning.fabric.utilities.data.AttributeDict
lightning_fabric.utilities.data.AttributeDict pytorch_lightning.utilities.parsing.AttributeDict
"""
_SAFE: Final = frozenset(_SAFE_WORDS.split())

#: Modules of which every class rebuilds by ``__setstate__`` or ``__dict__`` alone.
_SAFE_MODULES: Final = (
    "sklearn.", "torch.nn.modules.", "torch.optim.", "xgboost.core.", "xgboost.sklearn.",
    "lightgbm.basic.", "lightgbm.sklearn.", "catboost.core.", "scipy.sparse.",
    "transformers.training_args.", "transformers.trainer_utils.", "numpy.dtypes.",
)  # fmt: skip
_CYTHON: Final = ("numpy.", "scipy.", "sklearn.", "pandas.")
#: … unless what they are called with decides what runs.
_SAFE_EXCEPT: Final = (
    "sklearn.externals.", "sklearn.utils._testing.", "sklearn.datasets.", "sklearn.utils.parallel.",
    "sklearn.utils._joblib.", "sklearn.utils.fixes.", "sklearn.setup_module.",
    "sklearn.preprocessing._function_transformer.", "sklearn.__check_build.", "sklearn.conftest.",
    "sklearn.callback.", "sklearn.utils._available_if.", "sklearn.utils._repr_html.",
    "sklearn.utils._mocking.", "sklearn.feature_extraction.image.", "sklearn.utils.deprecation.",
)  # fmt: skip

#: Classes that such modules import from elsewhere and that are reached through them: making one
#: opens a file or a connection, starts or binds something.
_FOREIGN: Final = frozenset(
    ("ABCMeta", "CDLL", "Client", "CodeType", "Connection", "FileHandler", "FunctionType",
     "HTTPServer", "LibraryLoader", "Listener", "Memory", "MethodType", "Mock",
     "NamedTemporaryFile",
     "Parallel", "Pool", "Popen", "Process", "ProcessPoolExecutor", "PyDLL", "SpooledTemporaryFile",
     "TCPServer", "TemporaryDirectory", "TemporaryFile", "Thread", "ThreadPool",
     "ThreadPoolExecutor", "WinDLL", "ZipFile")
)  # fmt: skip

#: Python 2's names, as the unpickler maps them (``_compat_pickle``).
_RENAMED_MODULES: Final = {
    "__builtin__": "builtins", "copy_reg": "copyreg", "Queue": "queue", "cPickle": "pickle",
    "StringIO": "io", "cStringIO": "io", "UserDict": "collections", "urllib2": "urllib",
    "commands": "subprocess", "exceptions": "builtins", "dummy_thread": "_thread",
}  # fmt: skip
_EXCEPTIONS: Final = ("Error", "Exception", "Warning")

#: Plain data that lives in dangerous modules.
_PLAIN_WORDS: Final = """
_io.BytesIO io.BytesIO _io.StringIO io.StringIO pathlib.Path pathlib.PosixPath pathlib.PurePath
pathlib.PurePosixPath pathlib.PureWindowsPath pathlib.WindowsPath pathlib._local.PosixPath
pathlib._local.Path pathlib._local.WindowsPath types.SimpleNamespace uuid.SafeUUID uuid.UUID
"""
_PLAIN: Final = frozenset(_PLAIN_WORDS.split())
#: Functions that scikit-learn's own ``__reduce__`` names.
_CONSTRUCTORS_WORDS: Final = """
sklearn.neighbors._kd_tree.newObj sklearn.neighbors._ball_tree.newObj
sklearn.metrics._dist_metrics.newObj sklearn.neighbors._dist_metrics.newObj
sklearn.tree._tree._build_pruned_tree_ccp sklearn.metrics._dist_metrics.get_valid_metric_ids
"""
_CONSTRUCTORS: Final = frozenset(_CONSTRUCTORS_WORDS.split())


def _words() -> frozenset[str]:
    words = set(_DANGEROUS_MODULES)
    for full in (*_DANGEROUS, *_SAFE, *_PLAIN, *_CONSTRUCTORS):
        words.update(full.rpartition(".")[::2])
    return frozenset(words | _RENAMED_MODULES.keys())


#: Modules and names that :func:`judge` has an opinion on; never forgotten while walking a pickle.
KNOWN_WORDS: Final = _words()


@lru_cache(maxsize=4096)
def judge(module: str, name: str) -> Verdict:
    """Return what importing ``module.name`` means for whoever loads the pickle.

    ``name`` may be dotted (protocol 4 walks attributes), ``module`` may be one of Python 2.
    """
    module = _RENAMED_MODULES.get(module, module)
    full = f"{module}.{name}"
    if full in _DANGEROUS or _within(module, _DANGEROUS_MODULES):
        # A few classes of dangerous modules are plain data, and named one by one.
        return Verdict.SAFE if full in _SAFE or full in _PLAIN else Verdict.DANGEROUS
    if "." in name:
        # Walking attributes of whatever was imported reaches its module's own imports.
        return Verdict.DANGEROUS if "__" in name else Verdict.SUSPICIOUS
    if full in _SAFE:
        return Verdict.SAFE
    if name.startswith("__pyx_unpickle_") and module.startswith(_CYTHON):
        return Verdict.SAFE  # Cython's own: makes the type and sets its fields
    if module == "builtins":
        return Verdict.SAFE if name.endswith(_EXCEPTIONS) else Verdict.SUSPICIOUS
    if full.startswith(_SAFE_MODULES) and not full.startswith(_SAFE_EXCEPT):
        if name in _FOREIGN or "tests" in module.split("."):
            return Verdict.SUSPICIOUS
        # Classes are capitalised; a function of such a module may do anything.
        word = name.lstrip("_")
        return Verdict.SAFE if word[:1].isupper() or full in _CONSTRUCTORS else Verdict.SUSPICIOUS
    return Verdict.SUSPICIOUS


def _within(module: str, modules: frozenset[str]) -> bool:
    """Whether ``module`` or a package around it is among ``modules``."""
    while module:
        if module in modules:
            return True
        module = module.rpartition(".")[0]
    return False
