//! What can be set of each layout, as tables. Source: `@notionhq/client` 5.26.0 (`ViewConfigRequest`) and Notion,
//! "Working with views" (read 2026-11-22).

/// A key that a setting may have.
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) shape: Shape,
    pub(super) need: Need,
}

/// Whether a setting must be there.
#[derive(Clone, Copy)]
pub(super) enum Need {
    Required,
    Optional,
    /// Optional, and `null` clears it.
    Nullable,
}

/// What a setting looks like.
pub(super) enum Shape {
    Word(&'static [&'static str]),
    Boolean,
    /// From the one to the other.
    Integer(u64, u64),
    Number,
    Text,
    /// A column of one of these types; of any if there is none.
    Column(&'static [&'static str]),
    Object(&'static [Field]),
    Objects(&'static [Field]),
    /// Objects that have ids.
    Lines(&'static [Field]),
    Grouping,
    SubGrouping,
    Aggregation(&'static [Field]),
}

/// One way to group, and the type of column that it is for.
pub(super) struct Grouping {
    pub(super) kind: &'static str,
    pub(super) column: &'static str,
    pub(super) fields: &'static [Field],
}

const fn required(key: &'static str, shape: Shape) -> Field {
    Field { key, shape, need: Need::Required }
}

const fn optional(key: &'static str, shape: Shape) -> Field {
    Field { key, shape, need: Need::Optional }
}

const fn nullable(key: &'static str, shape: Shape) -> Field {
    Field { key, shape, need: Need::Nullable }
}

/// What can be set of a layout, besides its type; nothing of a dashboard.
pub(super) fn fields(kind: &str) -> Option<&'static [Field]> {
    Some(match kind {
        "table" => TABLE,
        "board" => BOARD,
        "list" => LIST,
        "calendar" => CALENDAR,
        "timeline" => TIMELINE,
        "gallery" => GALLERY,
        "form" => FORM,
        "chart" => CHART,
        "map" => MAP,
        _ => return None,
    })
}

/// The largest number that JavaScript counts to exactly.
const INTEGER_MAX: u64 = (1 << 53) - 1;
const ANY: Shape = Shape::Column(&[]);
const RELATION: Shape = Shape::Column(&["relation"]);
/// What can be put on a calendar. (That formulas and rollups can is a guess.)
const DATE: Shape = Shape::Column(&["date", "created_time", "last_edited_time", "formula", "rollup"]);
const SIZE: Shape = Shape::Word(&["small", "medium", "large"]);
const HEIGHT: Shape = Shape::Word(&["small", "medium", "large", "extra_large"]);
const SIDES: Shape = Shape::Word(&["none", "horizontal", "vertical", "both"]);
const SORT: Field =
    required("sort", Shape::Object(&[required("type", Shape::Word(&["manual", "ascending", "descending"]))]));
const COLUMN: Field = required("property_id", ANY);
const HIDE: Field = optional("hide_empty_groups", Shape::Boolean);
const PROPERTIES: Field = nullable("properties", Shape::Objects(PROPERTY));

const PROPERTY: &[Field] = &[
    COLUMN,
    optional("visible", Shape::Boolean),
    optional("width", Shape::Integer(0, INTEGER_MAX)),
    optional("wrap", Shape::Boolean),
    optional("status_show_as", Shape::Word(&["select", "checkbox"])),
    optional("card_property_width_mode", Shape::Word(&["full_line", "inline"])),
    optional(
        "date_format",
        Shape::Word(&["full", "short", "month_day_year", "day_month_year", "year_month_day", "relative"]),
    ),
    optional("time_format", Shape::Word(&["12_hour", "24_hour", "hidden"])),
];

const TABLE: &[Field] = &[
    PROPERTIES,
    nullable("group_by", Shape::Grouping),
    nullable("subtasks", Shape::Object(SUBTASKS)),
    optional("wrap_cells", Shape::Boolean),
    optional("frozen_column_index", Shape::Integer(0, INTEGER_MAX)),
    optional("show_vertical_lines", Shape::Boolean),
];

const SUBTASKS: &[Field] = &[
    optional("property_id", RELATION),
    optional("display_mode", Shape::Word(&["show", "hidden", "flattened", "disabled"])),
    optional("filter_scope", Shape::Word(&["parents", "parents_and_subitems", "subitems"])),
    optional("toggle_column_id", ANY),
];

const BOARD: &[Field] = &[
    required("group_by", Shape::Grouping),
    nullable("sub_group_by", Shape::Grouping),
    PROPERTIES,
    COVER,
    nullable("cover_size", SIZE),
    COVER_ASPECT,
    CARD_LAYOUT,
];

const GALLERY: &[Field] = &[PROPERTIES, COVER, nullable("cover_size", SIZE), COVER_ASPECT, CARD_LAYOUT];

const COVER: Field = nullable(
    "cover",
    Shape::Object(&[
        required("type", Shape::Word(&["page_cover", "page_content", "property"])),
        optional("property_id", Shape::Column(&["files"])),
    ]),
);
const COVER_ASPECT: Field = nullable("cover_aspect", Shape::Word(&["contain", "cover"]));
const CARD_LAYOUT: Field = nullable("card_layout", Shape::Word(&["list", "compact"]));

const LIST: &[Field] = &[PROPERTIES];

const CALENDAR: &[Field] = &[
    required("date_property_id", DATE),
    PROPERTIES,
    nullable("view_range", Shape::Word(&["week", "month"])),
    nullable("show_weekends", Shape::Boolean),
];

const TIMELINE: &[Field] = &[
    required("date_property_id", DATE),
    nullable("end_date_property_id", DATE),
    PROPERTIES,
    nullable("show_table", Shape::Boolean),
    nullable("table_properties", Shape::Objects(PROPERTY)),
    nullable("preference", Shape::Object(PREFERENCE)),
    nullable("arrows_by", Shape::Object(&[nullable("property_id", RELATION)])),
    nullable("color_by", Shape::Boolean),
];

const PREFERENCE: &[Field] = &[
    required(
        "zoom_level",
        Shape::Word(&["hours", "day", "week", "bi_week", "month", "quarter", "year", "5_years"]),
    ),
    optional("center_timestamp", Shape::Integer(0, INTEGER_MAX)),
];

const FORM: &[Field] = &[
    nullable("is_form_closed", Shape::Boolean),
    nullable("anonymous_submissions", Shape::Boolean),
    nullable(
        "submission_permissions",
        Shape::Word(&["none", "comment_only", "reader", "read_and_write", "editor"]),
    ),
];

const MAP: &[Field] =
    &[nullable("height", HEIGHT), nullable("map_by", Shape::Column(&["place", "location"])), PROPERTIES];

const CHART: &[Field] = &[
    required("chart_type", Shape::Word(&["column", "bar", "line", "donut", "number"])),
    nullable("x_axis", Shape::Grouping),
    nullable("y_axis", Shape::Aggregation(AGGREGATION)),
    nullable("x_axis_property_id", ANY),
    nullable("y_axis_property_id", ANY),
    nullable("value", Shape::Aggregation(AGGREGATION)),
    nullable("sort", Shape::Word(&["manual", "x_ascending", "x_descending", "y_ascending", "y_descending"])),
    nullable(
        "color_theme",
        Shape::Word(&[
            "gray", "blue", "yellow", "green", "purple", "teal", "orange", "pink", "red", "auto", "colorful",
        ]),
    ),
    nullable("height", HEIGHT),
    nullable("hide_empty_groups", Shape::Boolean),
    nullable("legend_position", Shape::Word(&["off", "bottom", "side"])),
    nullable("show_data_labels", Shape::Boolean),
    nullable("axis_labels", Shape::Word(&["none", "x_axis", "y_axis", "both"])),
    nullable("grid_lines", SIDES),
    nullable("cumulative", Shape::Boolean),
    nullable("smooth_line", Shape::Boolean),
    nullable("hide_line_fill_area", Shape::Boolean),
    nullable("group_style", Shape::Word(&["normal", "percent", "side_by_side"])),
    nullable("y_axis_min", Shape::Number),
    nullable("y_axis_max", Shape::Number),
    nullable("donut_labels", Shape::Word(&["none", "value", "name", "name_and_value"])),
    nullable("hide_title", Shape::Boolean),
    nullable("stack_by", Shape::Grouping),
    nullable("reference_lines", Shape::Lines(REFERENCE_LINE)),
    nullable("caption", Shape::Text),
    nullable("color_by_value", Shape::Boolean),
];

const AGGREGATION: &[Field] = &[
    required(
        "aggregator",
        Shape::Word(&[
            "count",
            "count_values",
            "sum",
            "average",
            "median",
            "min",
            "max",
            "range",
            "unique",
            "empty",
            "not_empty",
            "percent_empty",
            "percent_not_empty",
            "checked",
            "unchecked",
            "percent_checked",
            "percent_unchecked",
            "earliest_date",
            "latest_date",
            "date_range",
        ]),
    ),
    optional("property_id", ANY),
];

const REFERENCE_LINE: &[Field] = &[
    optional("id", Shape::Text),
    required("value", Shape::Number),
    required("label", Shape::Text),
    required(
        "color",
        Shape::Word(&[
            "gray",
            "lightgray",
            "brown",
            "yellow",
            "orange",
            "green",
            "blue",
            "purple",
            "pink",
            "red",
        ]),
    ),
    required("dash_style", Shape::Word(&["solid", "dash"])),
];

const DATES_BY: Field = required("group_by", Shape::Word(&["relative", "day", "week", "month", "year"]));
const TEXTS_BY: Field = required("group_by", Shape::Word(&["exact", "alphabet_prefix"]));
const WEEK: Field = optional("start_day_of_week", Shape::Integer(0, 1));
const FROM: Field = optional("range_start", Shape::Number);
const TO: Field = optional("range_end", Shape::Number);
const STEP: Field = optional("range_size", Shape::Number);

const PLAINLY: &[Field] = &[COLUMN, SORT, HIDE];
const BY_DATE: &[Field] = &[COLUMN, DATES_BY, SORT, HIDE, WEEK];
const BY_TEXT: &[Field] = &[COLUMN, TEXTS_BY, SORT, HIDE];
const BY_STATUS: &[Field] = &[COLUMN, required("group_by", Shape::Word(&["group", "option"])), SORT, HIDE];
const BY_NUMBER: &[Field] = &[COLUMN, SORT, HIDE, FROM, TO, STEP];
const BY_FORMULA: &[Field] = &[COLUMN, required("group_by", Shape::SubGrouping), HIDE];

const fn by(kind: &'static str, column: &'static str, fields: &'static [Field]) -> Grouping {
    Grouping { kind, column, fields }
}

/// How rows can be grouped.
pub(super) const GROUPINGS: &[Grouping] = &[
    by("select", "select", PLAINLY),
    by("multi_select", "multi_select", PLAINLY),
    by("status", "status", BY_STATUS),
    by("person", "people", PLAINLY),
    by("created_by", "created_by", PLAINLY),
    by("last_edited_by", "last_edited_by", PLAINLY),
    by("relation", "relation", PLAINLY),
    by("date", "date", BY_DATE),
    by("created_time", "created_time", BY_DATE),
    by("last_edited_time", "last_edited_time", BY_DATE),
    by("text", "rich_text", BY_TEXT),
    by("title", "title", BY_TEXT),
    by("url", "url", BY_TEXT),
    by("email", "email", BY_TEXT),
    by("phone_number", "phone_number", BY_TEXT),
    by("number", "number", BY_NUMBER),
    by("checkbox", "checkbox", PLAINLY),
    by("formula", "formula", BY_FORMULA),
];

/// How rows can be grouped by what a formula gives.
pub(super) const SUB_GROUPINGS: &[Grouping] = &[
    by("date", "formula", &[DATES_BY, SORT, WEEK]),
    by("text", "formula", &[TEXTS_BY, SORT]),
    by("number", "formula", &[SORT, FROM, TO, STEP]),
    by("checkbox", "formula", &[SORT]),
];
