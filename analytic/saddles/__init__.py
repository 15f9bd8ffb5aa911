"""Saddle-to-saddle processes: what gradient flow does from vanishing initialisation."""

from __future__ import annotations

from analytic.saddles.diagonal import diagonal_report, saddle_path
from analytic.saddles.diagonal_float import FloatPath, FloatStatus, float_saddle_path
from analytic.saddles.diagonal_flow import FiniteFlow, finite_flow
from analytic.saddles.diagonal_path import MinimumNormCertificate, PathStatus, SaddlePath
from analytic.saddles.diagonal_plot import plot_coordinates, plot_flow, plot_loss, plot_path, plot_report
from analytic.saddles.diagonal_problem import PathSetting
from analytic.saddles.diagonal_saddles import classify_saddle, network_flow
from analytic.saddles.diagonal_transition import LimitCurve, Transition, limit_curve, transition
from analytic.saddles.diagonal_verify import path_failures
from analytic.saddles.lasso import (
    LassoComparison,
    RegularisationPath,
    lasso_gap,
    regularisation_path,
    time_average,
)
from analytic.saddles.plateau_names import PlateauStratum, plateau_namer, plateau_stratum, stratum_label
from analytic.saddles.thresholds import deep_thresholds, hessian_thresholds

__all__ = [
    "FiniteFlow",
    "FloatPath",
    "FloatStatus",
    "LassoComparison",
    "LimitCurve",
    "MinimumNormCertificate",
    "PathSetting",
    "PathStatus",
    "PlateauStratum",
    "RegularisationPath",
    "SaddlePath",
    "Transition",
    "classify_saddle",
    "deep_thresholds",
    "diagonal_report",
    "finite_flow",
    "float_saddle_path",
    "hessian_thresholds",
    "lasso_gap",
    "limit_curve",
    "network_flow",
    "path_failures",
    "plateau_namer",
    "plateau_stratum",
    "plot_coordinates",
    "plot_flow",
    "plot_loss",
    "plot_path",
    "plot_report",
    "regularisation_path",
    "saddle_path",
    "stratum_label",
    "time_average",
    "transition",
]
