"""Panels as data → the SDK's models → JSON in a fixed order."""

from collections.abc import Iterable, Iterator

from generate.dashboards.fields import color_override, column_override, field_defaults
from generate.dashboards.panel import (
    GRID_COLUMNS,
    Bars,
    Graph,
    Link,
    Number,
    Page,
    Panel,
    Section,
    Selection,
    Table,
    Text,
    Variable,
)
from generate.dashboards.sdk import Json, bargauge, common, dashboard, encode, prometheus, stat, table, text, timeseries

DATASOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
_FIRST_FREE_ID = 101
_ROW_HEIGHT = 1
_NOW = common.ReduceDataOptions(calcs=["lastNotNull"], fields="", values=False)
_KINDS = {Graph: "timeseries", Number: "stat", Bars: "bargauge", Table: "table", Text: "text"}


def render_page(page: Page) -> Json:
    """The dashboard's JSON."""
    return encode(
        dashboard.Dashboard(
            uid=page.uid,
            title=page.title,
            description=page.description,
            tags=list(page.tags),
            timezone="browser",
            editable=True,
            graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
            time=dashboard.DashboardDashboardTime(from_val=page.span, to="now"),
            refresh="30s",
            version=1,
            templating=dashboard.DashboardDashboardTemplating(list_val=[_variable(v) for v in page.variables]),
            annotations=dashboard.AnnotationContainer(list_val=[_alerts(page.alerts)]),
            links=[_link(link) for link in page.links],
            panels=list(_lay_out(page.sections)),
        )
    )


def _lay_out(sections: Iterable[Section]) -> Iterator[dashboard.Panel | dashboard.RowPanel]:
    """Put panels from left to right, and begin a line where one does not fit or a section begins."""
    y, number = 0, _FIRST_FREE_ID
    for section in sections:
        if section.title:
            position = dashboard.GridPos(h=_ROW_HEIGHT, w=GRID_COLUMNS, x=0, y=y)
            yield dashboard.RowPanel(collapsed=False, title=section.title, id_val=number, grid_pos=position, panels=[])
            y, number = y + _ROW_HEIGHT, number + 1
        x = line = 0
        for each in section.panels:
            if x + each.width > GRID_COLUMNS:
                x, y, line = 0, y + line, 0
            yield _panel(each, each.id or number, dashboard.GridPos(h=each.height, w=each.width, x=x, y=y))
            x, line, number = x + each.width, max(line, each.height), number + (0 if each.id else 1)
        y += line


def _panel(panel: Panel, number: int, position: dashboard.GridPos) -> dashboard.Panel:
    return dashboard.Panel(
        type_val=_KINDS[type(panel)],
        id_val=number,
        title=panel.title,
        description=panel.description or None,
        grid_pos=position,
        datasource=None if isinstance(panel, Text) else DATASOURCE,
        targets=[*_targets(panel)] or None,
        options=_options(panel),
        field_config=None if isinstance(panel, Text) else _field_config(panel),
        transformations=_transformations(panel) if isinstance(panel, Table) else None,
    )


def _targets(panel: Panel) -> Iterator[prometheus.Dataquery]:
    over_time = isinstance(panel, Graph)
    as_table = isinstance(panel, Table)
    for position, query in enumerate(panel.queries):
        yield prometheus.Dataquery(
            ref_id=chr(ord("A") + position),
            datasource=DATASOURCE,
            expr=query.expression,
            legend_format=query.legend,
            instant=not over_time,
            range_val=over_time,
            format_val=prometheus.PromQueryFormat.TABLE if as_table else prometheus.PromQueryFormat.TIME_SERIES,
        )


def _options(panel: Panel) -> object:
    if isinstance(panel, Text):
        return text.Options(mode=text.TextMode.MARKDOWN, content=panel.content)
    if isinstance(panel, Number):
        return stat.Options(
            graph_mode=common.BigValueGraphMode.NONE,
            color_mode=common.BigValueColorMode.BACKGROUND if panel.choices else common.BigValueColorMode.VALUE,
            reduce_options=_NOW,
            text_mode=common.BigValueTextMode.AUTO,
        )
    if isinstance(panel, Bars):
        return bargauge.Options(
            display_mode=common.BarGaugeDisplayMode.BASIC,
            orientation=common.VizOrientation.HORIZONTAL,
            reduce_options=_NOW,
            show_unfilled=True,
        )
    if isinstance(panel, Table):
        sort = [common.TableSortByFieldState(display_name=panel.sort, desc=panel.descending)] if panel.sort else None
        return table.Options(show_header=True, sort_by=sort, cell_height=common.TableCellHeight.SM)
    return timeseries.Options(
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.LIST, placement=common.LegendPlacement.BOTTOM, show_legend=True
        ),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING),
    )


def _field_config(panel: Panel) -> dashboard.FieldConfigSource:
    overrides: list[dashboard.DashboardFieldConfigSourceOverrides] = []
    if isinstance(panel, Table):
        overrides = [column_override(column) for column in panel.columns]
    if isinstance(panel, Graph | Number):
        overrides = [color_override(name, color) for name, color in panel.colors.items()]
    return dashboard.FieldConfigSource(defaults=field_defaults(panel), overrides=overrides)


def _transformations(panel: Table) -> list[dashboard.DataTransformerConfig]:
    shown = [column.name for column in panel.columns]
    values = (
        ["Value"] if len(panel.queries) == 1 else [f"Value #{chr(ord('A') + i)}" for i in range(len(panel.queries))]
    )
    organize = {
        "excludeByName": {name: True for name in ("Time", *values) if name not in shown},
        "indexByName": {name: position for position, name in enumerate(shown)},
    }
    merge = [dashboard.DataTransformerConfig(id_val="merge", options={})] if len(panel.queries) > 1 else []
    return [*merge, dashboard.DataTransformerConfig(id_val="organize", options=organize)]


def _variable(variable: Variable) -> dashboard.VariableModel:
    model = dashboard.VariableModel(
        type_val=dashboard.VariableType(variable.selection.value),
        name=variable.name,
        label=variable.title,
        description=variable.description or None,
        hide=dashboard.VariableHide.HIDE_VARIABLE if variable.hidden else dashboard.VariableHide.DONT_HIDE,
        skip_url_sync=variable.hidden,
    )
    if variable.selection is Selection.QUERY:
        return _queried(model, variable.query)
    model.query = variable.query
    model.current = _first_option(variable)
    model.options = _options_of(variable)
    return model


def _queried(model: dashboard.VariableModel, query: str) -> dashboard.VariableModel:
    """A variable whose values Prometheus knows: several, by default all."""
    model.query = {"query": query, "refId": model.name}
    model.definition = query
    model.datasource = DATASOURCE
    model.current = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])
    model.multi = model.include_all = True
    model.all_value = ".*"
    model.refresh = dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED
    model.sort = dashboard.VariableSort.ALPHABETICAL_ASC
    return model


def _first_option(variable: Variable) -> dashboard.VariableOption | None:
    """A data source has none: each Grafana has its own, and takes its default."""
    if variable.selection is Selection.DATASOURCE:
        return None
    first = variable.query.split(",")[0] if variable.selection is Selection.INTERVAL else variable.query
    return dashboard.VariableOption(selected=True, text=first, value=first)


def _options_of(variable: Variable) -> list[dashboard.VariableOption] | None:
    if variable.selection is not Selection.INTERVAL:
        return None
    return [dashboard.VariableOption(text=each, value=each) for each in variable.query.split(",")]


def _alerts(selector: str) -> dashboard.AnnotationQuery:
    return dashboard.AnnotationQuery(
        name="Firing alerts",
        datasource=DATASOURCE,
        enable=True,
        icon_color="red",
        expr=f'ALERTS{{{selector},alertstate="firing"}}',
        title_format="{{alertname}}",
        text_format="{{model}} {{object}}",
        step="60s",
    )


def _link(link: Link) -> dashboard.DashboardLink:
    kind = dashboard.DashboardLinkType.DASHBOARDS if link.tag else dashboard.DashboardLinkType.LINK
    return dashboard.DashboardLink(
        title=link.title,
        type_val=kind,
        icon="dashboard" if link.tag else "external link",
        tooltip=link.tooltip,
        url=link.address or None,
        tags=[link.tag] if link.tag else [],
        as_dropdown=bool(link.tag),
        target_blank=False,
        include_vars=False,
        keep_time=True,
    )
