"""How values are shown: units, thresholds, words for numbers, columns of tables."""

from collections.abc import Sequence

from generate.dashboards.panel import Bars, Choice, Color, Column, Graph, Panel, Step, Table, Unit
from generate.dashboards.sdk import common, dashboard, table, timeseries


def field_defaults(panel: Panel) -> dashboard.FieldConfig:
    """What holds for every series of a panel."""
    return dashboard.FieldConfig(
        unit=panel.unit.value,
        decimals=panel.decimals,
        min_val=panel.minimum,
        max_val=panel.maximum,
        mappings=_mappings(panel.choices),
        thresholds=thresholds(panel.steps, panel.base),
        color=_color(panel),
        no_value=panel.nothing or None,
        custom=_style(panel),
    )


def _color(panel: Panel) -> dashboard.FieldColor:
    if isinstance(panel, Graph):
        return dashboard.FieldColor(mode=dashboard.FieldColorModeId.PALETTE_CLASSIC)
    if isinstance(panel, Bars) or panel.steps or panel.choices:
        return dashboard.FieldColor(mode=dashboard.FieldColorModeId.THRESHOLDS)
    return dashboard.FieldColor(mode=dashboard.FieldColorModeId.FIXED, fixed_color=Color.NEUTRAL.value)


def _style(panel: Panel) -> object:
    if isinstance(panel, Table):
        return table.FieldConfig()
    return _graph_style(panel) if isinstance(panel, Graph) else None


def _graph_style(panel: Graph) -> timeseries.FieldConfig:
    style = common.GraphThresholdsStyleMode.DASHED if panel.steps else common.GraphThresholdsStyleMode.OFF
    mode = common.StackingMode.NORMAL if panel.stacked else common.StackingMode.NONE
    return timeseries.FieldConfig(
        draw_style=common.GraphDrawStyle.LINE,
        line_width=1,
        fill_opacity=40 if panel.stacked else 8,
        show_points=common.VisibilityMode.NEVER,
        span_nulls=False,
        stacking=common.StackingConfig(mode=mode, group="A"),
        thresholds_style=common.GraphThresholdsStyleConfig(mode=style),
        axis_soft_min=0 if panel.minimum is None else None,
    )


def thresholds(steps: Sequence[Step], below: Color) -> dashboard.ThresholdsConfig:
    """Grafana's thresholds: a base without a value, then the steps."""
    base = dashboard.Threshold(value=None, color=below.value)
    rest = [dashboard.Threshold(value=step.value, color=step.color.value) for step in steps]
    return dashboard.ThresholdsConfig(mode=dashboard.ThresholdsMode.ABSOLUTE, steps=[base, *rest])


def _mappings(choices: Sequence[Choice]) -> list[dashboard.ValueMapping] | None:
    if not choices:
        return None
    words = {
        str(choice.value): dashboard.ValueMappingResult(text=choice.word, color=choice.color.value, index=position)
        for position, choice in enumerate(choices)
    }
    return [dashboard.ValueMap(options=words)]


def color_override(name: str, color: Color) -> dashboard.DashboardFieldConfigSourceOverrides:
    """A fixed colour for one series, by its legend."""
    fixed = dashboard.FieldColor(mode=dashboard.FieldColorModeId.FIXED, fixed_color=color.value)
    return _override(name, {"color": fixed})


def column_override(column: Column) -> dashboard.DashboardFieldConfigSourceOverrides:
    """Title, unit, width, link and colours of one column of a table."""
    shown: dict[str, object] = {"displayName": column.title}
    if column.unit is not Unit.NONE:
        shown["unit"] = column.unit.value
    if column.decimals is not None:
        shown["decimals"] = column.decimals
    if column.width:
        shown["custom.width"] = column.width
    if column.link:
        shown["links"] = [{"title": column.link_title, "url": column.link, "targetBlank": True}]
    if column.choices:
        shown["mappings"] = _mappings(column.choices)
    if column.steps:
        shown["thresholds"] = thresholds(column.steps, column.base)
    if column.choices or column.steps:
        shown["custom.cellOptions"] = {"type": common.TableCellDisplayMode.COLOR_BACKGROUND.value, "mode": "basic"}
        shown["color"] = dashboard.FieldColor(mode=dashboard.FieldColorModeId.THRESHOLDS)
    return _override(column.name, shown)


def _override(name: str, properties: dict[str, object]) -> dashboard.DashboardFieldConfigSourceOverrides:
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val="byName", options=name),
        properties=[dashboard.DynamicConfigValue(id_val=key, value=value) for key, value in properties.items()],
    )
