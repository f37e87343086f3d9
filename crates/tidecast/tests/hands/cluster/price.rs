//! What a rule in CEL names and what it costs at most, found by walking it along the schema that it is about. The prices are
//! those of cel-go's checker, by which an API server refuses a definition before anything is evaluated.

use std::collections::BTreeMap;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, SelectExpr, operators};
use serde_json::Value;

use super::declared::{is_int_or_string, is_visible, most_elements, unescaped};

/// What one look at a variable or a field costs, one call, and a list, a map and a struct that are written down.
const LOOK: u64 = 1;
const CALL: u64 = 1;
const LIST: u64 = 10;
const MAP: u64 = 30;
const STRUCT: u64 = 40;
/// What going through ten letters costs.
const TEN_LETTERS: u64 = 1;

/// A part of a rule.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    /// What it costs to come to it.
    cost: u64,
    /// Its schema; none where that is not known, as of what a call gives.
    schema: Option<&'a Value>,
    /// Its letters, items or entries at most.
    size: u64,
}

impl<'a> Part<'a> {
    fn of(schema: &'a Value, cost: u64) -> Self {
        Self { cost, schema: Some(schema), size: most_elements(schema) }
    }

    fn plain(cost: u64, size: u64) -> Self {
        Self { cost, schema: None, size }
    }
}

/// What a rule about values of this schema costs at most.
///
/// # Errors
/// What it names and must not, in the words of the compiler.
pub(super) fn price(rule: &IdedExpr, schema: &Value) -> Result<u64, String> {
    let known = BTreeMap::from([("self", Part::of(schema, 0)), ("oldSelf", Part::of(schema, 0))]);
    part(&rule.expr, &known).map(|part| part.cost)
}

type Known<'a> = BTreeMap<&'a str, Part<'a>>;

fn part<'a>(expr: &'a Expr, known: &Known<'a>) -> Result<Part<'a>, String> {
    match expr {
        Expr::Literal(LiteralValue::String(text)) => Ok(Part::plain(0, text.inner().len() as u64)),
        Expr::Literal(_) => Ok(Part::plain(0, 1)),
        Expr::Ident(name) => match known.get(name.as_str()) {
            Some(part) => Ok(Part { cost: LOOK, ..*part }),
            None => Err(format!("undeclared reference to '{name}' (in container '')")),
        },
        Expr::Select(select) => selected(select, known),
        Expr::Call(call) => called(call, known),
        Expr::List(list) => {
            let items = list.elements.iter().map(|item| part(&item.expr, known));
            let cost = items.sum_costs()?;
            Ok(Part::plain(LIST.saturating_add(cost), list.elements.len() as u64))
        }
        Expr::Map(map) => Ok(Part::plain(MAP, map.entries.len() as u64)),
        Expr::Struct(_) => Ok(Part::plain(STRUCT, 1)),
        Expr::Comprehension(each) => walked(each, known),
        Expr::Unspecified => Ok(Part::plain(0, 1)),
    }
}

trait SumCosts {
    fn sum_costs(self) -> Result<u64, String>;
}

impl<'a, I: Iterator<Item = Result<Part<'a>, String>>> SumCosts for I {
    fn sum_costs(mut self) -> Result<u64, String> {
        self.try_fold(0u64, |sum, part| Ok(sum.saturating_add(part?.cost)))
    }
}

/// A field; asking whether it is there costs nothing by itself.
fn selected<'a>(select: &'a SelectExpr, known: &Known<'a>) -> Result<Part<'a>, String> {
    let operand = part(&select.operand.expr, known)?;
    let cost = operand.cost.saturating_add(if select.test { 0 } else { LOOK });
    let Some(schema) = operand.schema.filter(|schema| !is_int_or_string(schema)) else {
        return Ok(Part::plain(cost, operand.size));
    };
    let field = field(schema, &select.field)?;
    if select.test { Ok(Part::plain(cost, 1)) } else { Ok(Part::of(field, cost)) }
}

fn field<'a>(schema: &'a Value, called: &str) -> Result<&'a Value, String> {
    if schema["type"] != "object" {
        let kind = schema["type"].as_str().unwrap_or("dyn");
        return Err(format!("type '{kind}' does not support field selection"));
    }
    if schema["additionalProperties"].is_object() {
        return Ok(&schema["additionalProperties"]);
    }
    let found = schema["properties"].get(unescaped(called)).filter(|field| is_visible(field));
    found.ok_or_else(|| format!("undefined field '{called}'"))
}

fn called<'a>(call: &'a CallExpr, known: &Known<'a>) -> Result<Part<'a>, String> {
    let parts = call.target.iter().map(|target| &target.expr).chain(call.args.iter().map(|arg| &arg.expr));
    let parts: Vec<Part<'a>> = parts.map(|one| part(one, known)).collect::<Result<_, _>>()?;
    let all = parts.iter().fold(0u64, |sum, part| sum.saturating_add(part.cost));
    let size = |nth: usize| parts.get(nth).map_or(0, |part| part.size);
    let letters = |count: u64| count.div_ceil(10).saturating_mul(TEN_LETTERS);
    let cost = match call.func_name.as_str() {
        operators::LOGICAL_AND | operators::LOGICAL_OR => all,
        operators::CONDITIONAL => {
            let either = parts[1].cost.max(parts[2].cost);
            parts[0].cost.saturating_add(either)
        }
        operators::EQUALS | operators::NOT_EQUALS => {
            all.saturating_add(letters(size(0).min(size(1))).max(CALL))
        }
        operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => {
            all.saturating_add(letters(size(0).min(size(1))).max(CALL))
        }
        operators::IN => all.saturating_add(size(1)),
        operators::ADD => all.saturating_add(letters(size(0).saturating_add(size(1))).max(CALL)),
        "matches" => all.saturating_add(letters(size(0)).saturating_mul(size(1).div_ceil(4).max(1))),
        "contains" => all.saturating_add(letters(size(0)).saturating_mul(letters(size(1)).max(1))),
        "startsWith" | "endsWith" => all.saturating_add(letters(size(1)).max(CALL)),
        "duration" | "timestamp" | "string" => all.saturating_add(letters(size(0)).max(CALL)),
        _ => all.saturating_add(CALL),
    };
    Ok(match call.func_name.as_str() {
        operators::ADD => Part::plain(cost, size(0).saturating_add(size(1))),
        operators::INDEX => below(&parts[0], cost),
        _ => Part::plain(cost, 1),
    })
}

/// An item of a list, or an entry of a map.
fn below<'a>(whole: &Part<'a>, cost: u64) -> Part<'a> {
    let inner =
        whole.schema.and_then(|schema| schema.get("items").or_else(|| schema.get("additionalProperties")));
    inner.map_or(Part::plain(cost, whole.size), |inner| Part::of(inner, cost))
}

/// `all`, `exists`, `map` and their like: what is asked of one, as often as there may be some.
fn walked<'a>(each: &'a ComprehensionExpr, known: &Known<'a>) -> Result<Part<'a>, String> {
    let range = part(&each.iter_range.expr, known)?;
    let start = part(&each.accu_init.expr, known)?;
    let mut inner = known.clone();
    // Of a map the keys are walked.
    let item = match range.schema {
        Some(schema) if schema["type"] == "object" => Part::plain(0, range.size),
        _ => below(&range, 0),
    };
    inner.insert(&each.iter_var, item);
    inner.extend(each.iter_var2.as_deref().map(|second| (second, below(&range, 0))));
    inner.insert(&each.accu_var, Part::plain(0, 1));
    let once =
        part(&each.loop_cond.expr, &inner)?.cost.saturating_add(part(&each.loop_step.expr, &inner)?.cost);
    let result = part(&each.result.expr, &inner)?;
    let around = range.cost.saturating_add(start.cost).saturating_add(result.cost);
    Ok(Part::plain(around.saturating_add(range.size.saturating_mul(once)), range.size))
}
