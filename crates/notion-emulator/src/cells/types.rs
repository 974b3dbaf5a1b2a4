//! Formulas when a schema is written: they are checked against the columns, told what type they give, and the properties
//! that they name become references by id. One that leads back to itself is refused, over however many tables.

use std::cell::Cell;
use std::collections::HashSet;

use uuid::Uuid;

use crate::api::View;
use crate::content::Content;
use crate::content::property::{Formula, Kind, Property, Rollup};
use crate::formula::{Column, Key, Mistake, Schema, Type, check, parse, print, references, rewrite};

/// The table whose columns are being written.
pub(crate) struct Table<'a> {
    pub(crate) content: &'a Content,
    pub(crate) workspace: Uuid,
    /// `None` while it is being made.
    pub(crate) source: Option<Uuid>,
    /// Who writes: they cannot name what is hidden from them.
    pub(crate) view: View<'a>,
}

/// Checks and types the formulas among a table's new columns. Mistakes count for the columns only that the request
/// `wrote`: a formula that another change broke stays, and gives whatever it still gives.
///
/// # Errors
/// The first mistake.
pub(crate) fn settle(table: &Table<'_>, columns: &mut [Property], wrote: &[String]) -> Result<(), Mistake> {
    let mut settled = HashSet::new();
    let is_formula = |at: &usize| matches!(columns[*at].kind, Kind::Formula(_));
    let mut open: Vec<usize> = (0..columns.len()).filter(is_formula).collect();
    // Each round settles those that need no open one. What never gets its turn leads back to itself.
    while !open.is_empty() {
        let before = open.len();
        for at in std::mem::take(&mut open) {
            let Kind::Formula(formula) = &columns[at].kind else { continue };
            let by = wrote.contains(&columns[at].id).then_some(table.view);
            let known = Columns { table, own: columns, settled: &settled, waits: Cell::new(false), by };
            let outcome = known.formula(formula);
            if known.waits.get() {
                open.push(at);
                continue;
            }
            let formula = match outcome {
                Ok(formula) => formula,
                Err(mistake) if wrote.contains(&columns[at].id) => return Err(mistake),
                Err(_) => Formula { gives: Type::Mixed, ..formula.clone() },
            };
            columns[at].kind = Kind::Formula(formula);
            settled.insert(columns[at].id.clone());
        }
        if open.len() == before {
            return Err(leads_back());
        }
    }
    no_way_back(table, columns)
}

fn leads_back() -> Mistake {
    Mistake::Type("the formula leads back to itself".to_owned())
}

/// The columns that formulas of one table can name, as far as they are settled.
struct Columns<'a> {
    table: &'a Table<'a>,
    own: &'a [Property],
    settled: &'a HashSet<String>,
    /// Whether a formula was asked for that is not settled yet.
    waits: Cell<bool>,
    /// Who wrote the formula, if that was now.
    by: Option<View<'a>>,
}

impl Schema for Columns<'_> {
    fn column(&self, source: Option<Uuid>, key: &Key) -> Option<Column> {
        let columns = of_table(self.table, self.own, source);
        let column = columns.iter().find(|column| match key {
            Key::Id(reference) => column.id == reference.id,
            Key::Name(name) => column.name == *name,
        })?;
        if self.by.is_some_and(|by| !by.shows(column, columns)) {
            return None;
        }
        Some(Column { id: column.id.clone(), kind: self.type_of(source, columns, column) })
    }
}

impl Columns<'_> {
    /// A formula with its references and its type.
    fn formula(&self, formula: &Formula) -> Result<Formula, Mistake> {
        if formula.expression.trim().is_empty() {
            return Ok(Formula { expression: String::new(), gives: Type::Empty, ..*formula });
        }
        let checked = check(&parse(&formula.expression)?, self)?;
        let expression = print(&rewrite(&formula.expression, &checked.references, self.table.workspace))?;
        Ok(Formula { expression, gives: checked.kind, ..*formula })
    }

    /// What a column holds, as formulas see it; `cells/formula.rs` makes the values.
    fn type_of(&self, source: Option<Uuid>, columns: &[Property], column: &Property) -> Type {
        match &column.kind {
            Kind::Title
            | Kind::RichText
            | Kind::Select(_)
            | Kind::Status { .. }
            | Kind::Url
            | Kind::Email
            | Kind::PhoneNumber
            | Kind::UniqueId { .. }
            | Kind::Verification
            | Kind::Place => Type::Text,
            Kind::Number { .. } => Type::Number,
            Kind::MultiSelect(_) | Kind::Files => Type::list(Type::Text),
            Kind::Date | Kind::CreatedTime | Kind::LastEditedTime => Type::Date,
            Kind::People => Type::list(Type::Person),
            Kind::Checkbox => Type::Boolean,
            Kind::Relation(relation) => Type::list(Type::Page(Some(relation.data_source))),
            Kind::CreatedBy | Kind::LastEditedBy => Type::Person,
            Kind::Rollup(rollup) => self.rollup(columns, rollup),
            Kind::Formula(formula) => {
                let open = is_own(self.table, source) && !self.settled.contains(&column.id);
                self.waits.set(self.waits.get() || open);
                if open { Type::Mixed } else { formula.gives.clone() }
            }
            Kind::Button | Kind::Location | Kind::LastVisitedTime => Type::Empty,
        }
    }

    fn rollup(&self, columns: &[Property], rollup: &Rollup) -> Type {
        let Some((there, id)) = target(columns, rollup) else { return Type::Empty };
        let there_columns = of_table(self.table, self.own, Some(there));
        let target = there_columns.iter().find(|column| column.id == id);
        let kind = target.map_or(Type::Empty, |target| match &target.kind {
            // Notion refuses these; one that is there all the same shows what it is only in the row.
            Kind::Rollup(_) => Type::Mixed,
            _ => self.type_of(Some(there), there_columns, target),
        });
        match rollup.function {
            "show_original" | "show_unique" => Type::list(kind.item()),
            "earliest_date" | "latest_date" | "date_range" => Type::Date,
            "count_per_group" | "percent_per_group" => Type::Empty,
            _ => Type::Number,
        }
    }
}

fn is_own(table: &Table<'_>, source: Option<Uuid>) -> bool {
    source.is_none() || source == table.source
}

/// The columns of a data source; those of the table itself are the new ones.
fn of_table<'c>(table: &'c Table<'_>, own: &'c [Property], source: Option<Uuid>) -> &'c [Property] {
    match source.filter(|_| !is_own(table, source)) {
        None => own,
        Some(other) => {
            table.content.data_sources.get(&other).map_or(&[][..], |source| source.properties.as_slice())
        }
    }
}

/// Where a rollup leads: a data source and a column of it.
fn target<'r>(columns: &[Property], rollup: &'r Rollup) -> Option<(Uuid, &'r str)> {
    let relation = columns.iter().find(|column| column.id == rollup.relation)?;
    let Kind::Relation(to) = &relation.kind else { return None };
    Some((to.data_source, &rollup.target))
}

/// Refuses formulas that lead back to themselves over other tables. Within the table, settling has found them.
fn no_way_back(table: &Table<'_>, columns: &[Property]) -> Result<(), Mistake> {
    let Some(own) = table.source else { return Ok(()) };
    for start in columns.iter().filter(|column| matches!(column.kind, Kind::Formula(_))) {
        let start = (own, start.id.clone());
        let (mut seen, mut open) = (HashSet::new(), vec![start.clone()]);
        while let Some((source, id)) = open.pop() {
            let there = of_table(table, columns, Some(source));
            let Some(column) = there.iter().find(|column| column.id == id) else { continue };
            for next in leads_to(source, there, column) {
                if next == start {
                    return Err(leads_back());
                }
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
    }
    Ok(())
}

/// The columns that a column is worked out from.
fn leads_to(source: Uuid, columns: &[Property], column: &Property) -> Vec<(Uuid, String)> {
    match &column.kind {
        Kind::Formula(formula) => references(&formula.expression)
            .into_iter()
            .map(|reference| (reference.source.unwrap_or(source), reference.id))
            .collect(),
        Kind::Rollup(rollup) => {
            target(columns, rollup).map(|(there, id)| (there, id.to_owned())).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
