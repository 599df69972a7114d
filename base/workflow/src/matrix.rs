//! `strategy.matrix`: the combinations that a job runs in. The rules are those of GitHub's own builder of matrices.

use std::ops::Range;

use crate::expression::{EvaluateError, Scope};
use crate::template::Template;
use crate::value::{Map, Value};

/// GitHub runs no more jobs of one matrix.
pub const COMBINATIONS_MAX: usize = 256;
/// GitHub cuts longer names.
const TITLE_CHARACTERS_MAX: usize = 100;

#[derive(Clone, Debug)]
pub struct Matrix {
    /// Bytes of the workflow file.
    pub span: Range<usize>,
    pub(crate) tree: Tree,
}

/// YAML with templates for scalars.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Scalar(Template),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

/// One job of a matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Combination {
    /// The context `matrix`.
    pub values: Map,
    /// What distinguishes it from its siblings, as people see it: what `include` only adds is not among it.
    pub words: Vec<String>,
}

impl Tree {
    fn value(&self, scope: &dyn Scope) -> Result<Value, EvaluateError> {
        Ok(match self {
            Self::Scalar(template) => template.value(scope)?,
            Self::List(items) => Value::List(
                items
                    .iter()
                    .map(|item| item.value(scope))
                    .collect::<Result<_, _>>()?,
            ),
            Self::Map(entries) => {
                let mut map = Map::new();
                for (name, tree) in entries {
                    map.insert(name.as_str(), tree.value(scope)?);
                }
                Value::Map(map)
            }
        })
    }

    pub(crate) fn is_literal(&self) -> bool {
        match self {
            Self::Scalar(template) => template.is_literal(),
            Self::List(items) => items.iter().all(Self::is_literal),
            Self::Map(entries) => entries.iter().all(|(_, tree)| tree.is_literal()),
        }
    }
}

impl Matrix {
    /// Every combination with `include` and `exclude` applied, in GitHub's order; a sentence where it cannot be.
    /// None at all where everything is excluded.
    pub fn expand(&self, scope: &dyn Scope) -> Result<Vec<Combination>, String> {
        let value = self.tree.value(scope).map_err(|error| error.message)?;
        Plan::of(value)?.combinations()
    }
}

/// A matrix whose expressions are evaluated.
struct Plan {
    dimensions: Vec<(String, Vec<Value>)>,
    include: Vec<Map>,
    exclude: Vec<Map>,
}

impl Plan {
    fn of(value: Value) -> Result<Self, String> {
        let Value::Map(map) = value else {
            return Err("a matrix is a mapping of names to lists of values".to_owned());
        };
        let mut plan = Self {
            dimensions: Vec::new(),
            include: Vec::new(),
            exclude: Vec::new(),
        };
        for (name, value) in map.iter() {
            match name {
                "include" => plan.include = filters(name, value)?,
                "exclude" => plan.exclude = filters(name, value)?,
                _ => match value {
                    Value::List(values) if values.is_empty() => {
                        return Err(format!("the matrix has no values for `{name}`"));
                    }
                    Value::List(values) => plan.dimensions.push((name.to_owned(), values.clone())),
                    _ => return Err(format!("`{name}` of the matrix is not a list")),
                },
            }
        }
        if plan.dimensions.is_empty() && plan.include.is_empty() {
            return Err("the matrix has neither a list of values nor `include`".to_owned());
        }
        for name in plan.exclude.iter().flat_map(Map::keys) {
            if !plan.has(name) {
                return Err(format!(
                    "`exclude` names `{name}`, which the matrix does not have"
                ));
            }
        }
        Ok(plan)
    }

    fn has(&self, name: &str) -> bool {
        self.dimensions
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    fn combinations(&self) -> Result<Vec<Combination>, String> {
        let too_many = || format!("the matrix makes more than {COMBINATIONS_MAX} jobs");
        // What `exclude` takes away does not count, but it must end; GitHub's own limit is far below that.
        const PRODUCT_MAX: usize = 1 << 16;
        let product = self
            .dimensions
            .iter()
            .try_fold(1_usize, |product, (_, values)| product.checked_mul(values.len()))
            .filter(|product| *product <= PRODUCT_MAX)
            .ok_or_else(too_many)?;
        let mut found = Vec::new();
        let mut included = vec![false; self.include.len()];
        let product = if self.dimensions.is_empty() { 0 } else { product };
        for index in 0..product {
            let mut values = self.nth(index, product);
            if self
                .exclude
                .iter()
                .any(|filter| filter.iter().all(|(name, wanted)| has(&values, name, wanted)))
            {
                continue;
            }
            if found.len() == COMBINATIONS_MAX {
                return Err(too_many());
            }
            let words = words(&values);
            let mut extra = Map::new();
            for (include, included) in self.include.iter().zip(&mut included) {
                if self.extends(include, &values) {
                    *included = true;
                    extra.extend_with(include.iter().filter(|(name, _)| !self.has(name)));
                }
            }
            values.extend_with(extra.iter());
            found.push(Combination { values, words });
        }
        for (include, _) in self
            .include
            .iter()
            .zip(included)
            .filter(|(_, included)| !included)
        {
            if found.len() == COMBINATIONS_MAX {
                return Err(too_many());
            }
            // The values of the matrix first, then what is new.
            let mut values = Map::new();
            values.extend_with(include.iter().filter(|(name, _)| self.has(name)));
            values.extend_with(include.iter().filter(|(name, _)| !self.has(name)));
            let words = words(&values);
            found.push(Combination { values, words });
        }
        Ok(found)
    }

    /// One of the product; the last dimension changes fastest.
    fn nth(&self, index: usize, product: usize) -> Map {
        let mut block = product;
        self.dimensions
            .iter()
            .map(|(name, values)| {
                block /= values.len();
                (name.as_str(), values[index / block % values.len()].clone())
            })
            .collect()
    }

    /// An include belongs to every combination of which it changes no value of the matrix itself.
    fn extends(&self, include: &Map, values: &Map) -> bool {
        include
            .iter()
            .filter(|(name, _)| self.has(name))
            .all(|(name, wanted)| has(values, name, wanted))
    }
}

fn filters(name: &str, value: &Value) -> Result<Vec<Map>, String> {
    let Value::List(items) = value else {
        return Err(format!("`{name}` of the matrix is not a list"));
    };
    items
        .iter()
        .map(|item| match item {
            Value::Map(map) if map.is_empty() => Err(format!("an entry of `{name}` of the matrix is empty")),
            Value::Map(map) => Ok(map.clone()),
            _ => Err(format!("an entry of `{name}` of the matrix is not a mapping")),
        })
        .collect()
}

fn has(values: &Map, name: &str, wanted: &Value) -> bool {
    values.get(name).is_some_and(|value| matches(value, wanted))
}

/// Compared leaf by leaf as expressions compare: a mapping may name a part of what is there.
fn matches(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Map(map), Value::Map(wanted)) => wanted.iter().all(|(name, wanted)| {
            let value = map.get(name).unwrap_or(&Value::Null);
            matches(value, wanted)
        }),
        (Value::List(items), Value::List(wanted)) => wanted.iter().enumerate().all(|(at, wanted)| {
            let value = items.get(at).unwrap_or(&Value::Null);
            matches(value, wanted)
        }),
        (value, wanted) => value.loosely_equals(wanted),
    }
}

fn words(values: &Map) -> Vec<String> {
    fn collect(value: &Value, words: &mut Vec<String>) {
        match value {
            Value::Null => {}
            Value::List(items) => items.iter().for_each(|item| collect(item, words)),
            Value::Map(map) => map.values().for_each(|value| collect(value, words)),
            value => words.push(value.text()),
        }
    }
    let mut found = Vec::new();
    values.values().for_each(|value| collect(value, &mut found));
    found.retain(|word| !word.is_empty());
    found
}

/// A job of a matrix as people see it: `build (3.12, linux)`. For jobs whose `name` has expressions GitHub takes the name
/// as it is.
pub fn job_title(job_name: &str, combination: &Combination) -> String {
    if combination.words.is_empty() {
        return job_name.to_owned();
    }
    let title = format!("{job_name} ({})", combination.words.join(", "));
    if title.chars().count() <= TITLE_CHARACTERS_MAX {
        return title;
    }
    let mut cut: String = title.chars().take(TITLE_CHARACTERS_MAX - 3).collect();
    cut.push_str("...");
    cut
}
