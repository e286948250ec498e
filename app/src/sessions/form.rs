//! The plain forms of the sessions page: what their fields mean, read and written in one place.
//!
//! The page writes them, the server's form handlers read them back, so the two can't drift apart.

use super::columns::Column;
use super::wire::SelectionEdit;
use crate::paths;
use crate::wire::{SelectionId, SessionKey};

/// Id of the row form, for buttons that stand outside of it.
pub const ROWS_FORM: &str = "rows";
/// Id of the rows that an open page asked for beside those of the list.
pub const HELD: &str = "held";
/// Id of the line that says how many match.
pub const COUNT: &str = "list-count";
/// Ids of what a list that stays current draws anew around its rows, from the top of the page on.
pub const AROUND: [&str; 5] = [STRIP, "notes", "limits", COUNT, "refresh"];
/// Id of the form with search field and filters.
pub const FILTER_FORM: &str = "filters";
/// Id of the search box.
pub const SEARCH: &str = "q";
/// Id of the list of suggestions below it.
pub const SUGGESTIONS: &str = "suggest";
/// Id of what folds the filters away.
pub const FILTER_FOLD: &str = "filter-fold";
/// Id of the filters in it.
pub const FILTER_FIELDS: &str = "filter-fields";
/// `open`: the filter that stands open, with the count of each value. Says nothing about what is listed.
pub const OPEN: &str = "open";
/// Id of the box that ticks the page.
pub const PICK_PAGE: &str = "pick-page";
/// Id of the strip of systems.
pub const STRIP: &str = "strip";
/// Id of the chips of filters in force.
pub const CHIPS: &str = "chips";
/// `sel`: the selection so far.
pub const SEL: &str = "sel";
/// `shown`: one per row of the page that can be ended.
pub const SHOWN: &str = "shown";
/// `row`: one per ticked row.
pub const ROW: &str = "row";
/// `query`: canonical query string of the list.
pub const QUERY: &str = "query";
/// `act`: which button.
pub const ACT: &str = "act";
/// `id`: a whole session id, pasted into "Find by session id".
pub const RAW_ID: &str = "id";
/// `list`: pasted people or addresses.
pub const LIST: &str = "list";
/// `back`: canonical query string of the list to come back to.
pub const BACK: &str = "back";

/// What the row form was sent for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Act {
    /// Keep the ticks.
    #[default]
    Select,
    /// Tick every row of this page.
    Page,
    /// Everything that matches.
    All,
    /// Everything that the list with this query string holds: a group.
    AllOf(String),
    /// Drop the selection.
    Clear,
    /// Freeze it into a preview.
    Preview,
    /// Keep the ticks, then go to the list with this query string (pager and sort buttons).
    GoTo(String),
}

impl Act {
    /// The value of its button.
    pub fn value(&self) -> String {
        match self {
            Act::Select => "select".to_owned(),
            Act::Page => "page".to_owned(),
            Act::All => "all".to_owned(),
            Act::AllOf(query) => format!("all-of:{query}"),
            Act::Clear => "clear".to_owned(),
            Act::Preview => "preview".to_owned(),
            Act::GoTo(query) => format!("goto:{query}"),
        }
    }

    /// The act of that value; anything else only keeps the ticks.
    pub fn from_value(value: &str) -> Self {
        match value {
            "page" => Act::Page,
            "all" => Act::All,
            "clear" => Act::Clear,
            "preview" => Act::Preview,
            other => match other.split_once(':') {
                Some(("goto", query)) => Act::GoTo(query.to_owned()),
                Some(("all-of", query)) => Act::AllOf(query.to_owned()),
                _ => Act::Select,
            },
        }
    }
}

/// The row form as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectionForm {
    /// Which button.
    pub act: Act,
    /// What it changes. With [`Act::All`] it asks for everything that matches, with [`Act::Page`] for the whole page.
    pub edit: SelectionEdit,
}

impl SelectionForm {
    /// Reads the fields; unknown ones are none of its business.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(pairs: &[(K, V)]) -> Self {
        let mut form = SelectionForm::default();
        for (name, value) in pairs {
            let value = value.as_ref();
            match name.as_ref() {
                SEL if !value.is_empty() => form.edit.selection_id = Some(SelectionId::from(value)),
                SHOWN => form.edit.shown.push(SessionKey::from(value)),
                ROW => form.edit.ticked.push(SessionKey::from(value)),
                QUERY => form.edit.query = value.to_owned(),
                ACT => form.act = Act::from_value(value),
                _ => {}
            }
        }
        match &form.act {
            Act::All => form.edit.all_matching = true,
            Act::AllOf(query) => {
                form.edit.all_matching = true;
                form.edit.query = query.clone();
            }
            Act::Page => form.edit.ticked = form.edit.shown.clone(),
            _ => {}
        }
        form
    }

    /// Where the browser goes next with this selection: the list, or another page or sort of it.
    pub fn target(&self, selection: Option<&SelectionId>) -> String {
        let query = match &self.act {
            Act::GoTo(query) => query,
            _ => &self.edit.query,
        };
        list_address(query, selection)
    }
}

/// The list with this canonical query string and that selection, whatever selection the string named before.
pub fn list_address(query: &str, selection: Option<&SelectionId>) -> String {
    let mut pairs = paths::parse_query(query);
    pairs.retain(|(name, _)| name != SEL);
    if let Some(selection) = selection {
        pairs.push((SEL.to_owned(), selection.0.clone()));
    }
    paths::sessions(&paths::query_string(&pairs))
}

/// The pairs of a filter form without what says nothing: empty fields, and comparisons of empty fields.
pub fn meaningful(pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    let filled: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(name, _)| name.clone())
        .collect();
    pairs
        .into_iter()
        .filter(|(name, value)| {
            !value.trim().is_empty()
                && name
                    .strip_suffix(".op")
                    .is_none_or(|of| filled.iter().any(|f| f == of))
        })
        .collect()
}

/// The column form as it was sent: all columns in order, which are ticked, and perhaps one to move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnsForm {
    /// The columns to show, in order; Person and System are always among them.
    pub columns: Vec<Column>,
    /// Canonical query string of the list to come back to.
    pub back: String,
    /// The column that was moved: the chooser opens again there.
    pub moved: Option<Column>,
}

impl ColumnsForm {
    /// `order`: every column, one field each, in the order of the chooser.
    pub const ORDER: &'static str = "order";
    /// `show`: a ticked column.
    pub const SHOW: &'static str = "show";
    /// `move`: `up:<column>` or `down:<column>`.
    pub const MOVE: &'static str = "move";
    /// `act=default`: the columns as delivered.
    pub const DEFAULT: &'static str = "default";

    /// Reads the fields.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(pairs: &[(K, V)]) -> Self {
        let mut order: Vec<Column> = Vec::new();
        let mut show: Vec<Column> = Vec::new();
        let mut form = ColumnsForm::default();
        let mut step = None;
        let mut default = false;
        for (name, value) in pairs {
            let value = value.as_ref();
            match name.as_ref() {
                Self::ORDER => order.extend(Column::from_name(value).filter(|c| !order.contains(c))),
                Self::SHOW => show.extend(Column::from_name(value)),
                Self::MOVE => {
                    step = value
                        .split_once(':')
                        .and_then(|(way, name)| Some((way == "up", Column::from_name(name)?)));
                }
                ACT => default = value == Self::DEFAULT,
                BACK => form.back = value.to_owned(),
                _ => {}
            }
        }
        if default {
            form.columns = Column::ALL.to_vec();
            return form;
        }
        let rest = Column::ALL.into_iter().filter(|c| !order.contains(c));
        let order: Vec<Column> = order.iter().copied().chain(rest).collect();
        form.columns = order
            .into_iter()
            .filter(|c| c.always() || show.contains(c))
            .collect();
        if let Some((up, column)) = step {
            move_column(&mut form.columns, column, up);
            form.moved = Some(column);
        }
        form
    }

    /// Where the browser goes next.
    pub fn target(&self) -> String {
        let address = paths::sessions(&self.back);
        match self.moved {
            // The browser opens the chooser that holds the target of the address.
            Some(column) => format!("{address}#{}", column_anchor(column)),
            None => address,
        }
    }
}

/// Id of a column's line in the chooser.
pub fn column_anchor(column: Column) -> String {
    format!("col-{}", column.name())
}

/// Moves a column one place up or down; nothing happens at the ends or when it is not among them.
pub fn move_column(columns: &mut [Column], column: Column, up: bool) {
    let Some(at) = columns.iter().position(|c| *c == column) else {
        return;
    };
    let to = if up { at.checked_sub(1) } else { Some(at + 1) };
    if let Some(to) = to.filter(|to| *to < columns.len()) {
        columns.swap(at, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn a_form_with_1001_rows_keeps_the_last() {
        let mut fields = vec![("query".to_owned(), "q=a".to_owned())];
        for n in 0..1001 {
            fields.push(("shown".to_owned(), format!("k{n}")));
            fields.push(("row".to_owned(), format!("k{n}")));
        }
        fields.push(("act".to_owned(), "preview".to_owned()));
        let form = SelectionForm::from_pairs(&fields);
        assert_eq!(form.edit.ticked.len(), 1001);
        assert_eq!(form.edit.ticked.last(), Some(&SessionKey::from("k1000")));
        assert_eq!(form.act, Act::Preview);
    }

    #[test]
    fn each_button_says_what_it_said() {
        for act in [
            Act::Select,
            Act::Page,
            Act::All,
            Act::Clear,
            Act::Preview,
            Act::GoTo("sort=person&q=a b".to_owned()),
            Act::AllOf("person=a:b".to_owned()),
        ] {
            assert_eq!(Act::from_value(&act.value()), act);
        }
        assert_eq!(
            Act::from_value("end everything"),
            Act::Select,
            "an unknown act only keeps ticks"
        );
    }

    #[test]
    fn the_page_button_ticks_what_is_shown_and_all_asks_for_all() {
        let page = SelectionForm::from_pairs(&pairs(&[
            ("shown", "a"),
            ("shown", "b"),
            ("row", "b"),
            ("act", "page"),
        ]));
        assert_eq!(page.edit.ticked, page.edit.shown);
        assert!(!page.edit.all_matching);
        let all = SelectionForm::from_pairs(&pairs(&[("shown", "a"), ("act", "all")]));
        assert!(all.edit.all_matching);
    }

    #[test]
    fn paging_keeps_the_selection_and_drops_an_older_one() {
        let form = SelectionForm::from_pairs(&pairs(&[
            ("query", "q=x&sel=old"),
            ("act", "goto:q=x&after=c1&sel=old"),
        ]));
        assert_eq!(
            form.target(Some(&SelectionId::from("new"))),
            "/sessions?q=x&after=c1&sel=new"
        );
        assert_eq!(form.target(None), "/sessions?q=x&after=c1");
    }

    #[test]
    fn ui_c3_columns_move_by_button_and_person_and_system_stay() {
        let all: Vec<(String, String)> = Column::ALL
            .iter()
            .map(|c| ("order".to_owned(), c.name().to_owned()))
            .collect();
        let mut up = all.clone();
        up.extend(pairs(&[
            ("show", "ip"),
            ("show", "started"),
            ("move", "up:started"),
        ]));
        let form = ColumnsForm::from_pairs(&up);
        assert_eq!(
            form.columns,
            [Column::Person, Column::System, Column::Started, Column::Ip]
        );
        assert!(form.target().ends_with("#col-started"));
        let mut top = all.clone();
        top.extend(pairs(&[("move", "up:person")]));
        assert_eq!(
            ColumnsForm::from_pairs(&top).columns,
            [Column::Person, Column::System]
        );
        let mut default = all;
        default.extend(pairs(&[("act", "default")]));
        assert_eq!(ColumnsForm::from_pairs(&default).columns, Column::ALL);
    }
}
