//! Owns how large a text or a list can be, before there is a request.

use cel::common::ast::{CallExpr, Expr, operators};
use cel::parser::Expression;

use crate::deciding::condition::texts::Texts;
use crate::deciding::condition::types::Whole;

/// The number of signs that a text has.
pub(super) fn signs(texts: &Texts) -> Whole {
    let (least, most) = texts.pattern.lengths();
    let written =
        texts.written.as_ref().map(|written| written.iter().map(|text| whole(text.chars().count())).collect());
    let is_read = texts.source.is_some();
    Whole { least: whole(least), most: most.map_or(i64::MAX, whole), written, is_read }
}

/// The number of entries that a list has.
pub(super) fn entries(list: &Expression, is_read: bool) -> Whole {
    match &list.expr {
        Expr::List(list) => Whole::written(whole(list.elements.len())),
        // `filter` leaves entries out.
        Expr::Comprehension(filter) => Whole { is_read, ..Whole::read(0, entries(&filter.iter_range, is_read).most) },
        Expr::Call(CallExpr { func_name, args, .. }) if func_name == operators::CONDITIONAL => {
            let chosen = args.iter().skip(1).map(|list| entries(list, is_read));
            chosen.reduce(Whole::or).unwrap_or_else(|| Whole::any(is_read))
        }
        _ => Whole { is_read, ..Whole::read(0, i64::MAX) },
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
