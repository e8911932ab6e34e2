"""A name is judged by what it is, not by the module that it is reached through."""

from __future__ import annotations

import pytest

from lading.inventory import Verdict
from lading.models.pickles.names import judge


@pytest.mark.parametrize(
    "full",
    [
        "sklearn.callback._transport.Client",  # multiprocessing's: connects to a host
        "sklearn.callback._transport.Listener",
        "sklearn.callback._progressbar.Progress",
        "lightgbm.basic.NamedTemporaryFile",  # writes wherever it is told to
        "sklearn.utils._available_if.MethodType",
        "sklearn.ensemble._forest.Parallel",
        "sklearn.tests.test_pipeline.TemporaryDirectory",
        "sklearn.tree.tests.test_tree.NumpyPickler",
        "torch.optim.adam.Thread",
    ],
)
def test_classes_of_others_within_safe_modules(full: str) -> None:
    module, _, name = full.rpartition(".")
    assert judge(module, name) is Verdict.SUSPICIOUS


@pytest.mark.parametrize(
    "full",
    [
        "sklearn.ensemble._forest.RandomForestClassifier",
        "sklearn.pipeline.Pipeline",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
        "lightgbm.basic.Booster",
        "torch.nn.modules.linear.Linear",
    ],
)
def test_classes_of_models(full: str) -> None:
    module, _, name = full.rpartition(".")
    assert judge(module, name) is Verdict.SAFE


@pytest.mark.parametrize(
    "full",
    [
        "_interpreters.run_string",
        "_sqlite3.connect",
        "cloudpickle.loads",
        "compileall.compile_file",
        "concurrent.interpreters.create",
        "dill.loads",
        "tkinter.Tcl",
        "unittest.mock._importer",
    ],
)
def test_what_runs_code(full: str) -> None:
    module, _, name = full.rpartition(".")
    assert judge(module, name) is Verdict.DANGEROUS


@pytest.mark.parametrize(
    "full",
    [
        "sklearn.cluster._bicluster.ABCMeta",
        "scipy.stats._distn_infrastructure.rv_continuous_frozen",  # compiles what its state says
        "statsmodels.base.data.ModelData",  # evaluates its formula
    ],
)
def test_what_may_run_code(full: str) -> None:
    module, _, name = full.rpartition(".")
    assert judge(module, name) is Verdict.SUSPICIOUS


@pytest.mark.parametrize(
    "full",
    [
        "ipaddress.IPv4Address",
        "numpy.core.records.recarray",
        "pandas.Int64Dtype",
        "pandas.arrays.PeriodArray",
        "scipy.sparse._coo.coo_array",
        "sklearn.feature_selection._univariate_selection.f_classif",
    ],
)
def test_what_data_are_made_of(full: str) -> None:
    module, _, name = full.rpartition(".")
    assert judge(module, name) is Verdict.SAFE
