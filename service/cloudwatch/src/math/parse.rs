//! From words to an expression.

use super::token::{Token, tokens};

/// Brackets in brackets, so that a hostile expression costs little.
const DEPTH_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Number(f64),
    Text(String),
    /// The id of another query, or a word that a function knows.
    Name(String),
    List(Vec<Expression>),
    Negative(Box<Expression>),
    Not(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Call(String, Vec<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

impl Operator {
    fn of(token: Option<&Token>) -> Option<Self> {
        Some(match token? {
            Token::Sign("||") => Self::Or,
            Token::Name(word) if word.eq_ignore_ascii_case("or") => Self::Or,
            Token::Sign("&&") => Self::And,
            Token::Name(word) if word.eq_ignore_ascii_case("and") => Self::And,
            Token::Sign("==") => Self::Equal,
            Token::Sign("!=") => Self::NotEqual,
            Token::Sign("<") => Self::Less,
            Token::Sign("<=") => Self::LessOrEqual,
            Token::Sign(">") => Self::Greater,
            Token::Sign(">=") => Self::GreaterOrEqual,
            Token::Sign("+") => Self::Add,
            Token::Sign("-") => Self::Subtract,
            Token::Sign("*") => Self::Multiply,
            Token::Sign("/") => Self::Divide,
            Token::Sign("^") => Self::Power,
            _ => return None,
        })
    }

    /// How tightly it binds, and whether what follows may be as tight.
    fn strength(self) -> (u8, u8) {
        match self {
            Self::Or => (1, 2),
            Self::And => (3, 4),
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual => (5, 6),
            Self::Add | Self::Subtract => (7, 8),
            Self::Multiply | Self::Divide => (9, 10),
            Self::Power => (13, 12),
        }
    }
}

/// Binds tighter than multiplication, not as tight as a power.
const SIGN_STRENGTH: u8 = 11;

/// # Errors
/// What is wrong with it, in a sentence.
pub(crate) fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    let expression = parser.expression(0)?;
    match parser.tokens.get(parser.at) {
        None => Ok(expression),
        Some(token) => Err(format!("{} was not expected", written(token))),
    }
}

fn written(token: &Token) -> String {
    match token {
        Token::Number(it) => it.to_string(),
        Token::Name(it) => it.clone(),
        Token::Text(it) => format!("'{it}'"),
        Token::Sign(it) => format!("'{it}'"),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn expression(&mut self, at_least: u8) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("it is nested too deeply".to_owned());
        }
        let mut left = self.operand()?;
        while let Some(operator) = Operator::of(self.tokens.get(self.at)) {
            let (strength, of_right) = operator.strength();
            if strength < at_least {
                break;
            }
            self.at += 1;
            let right = self.expression(of_right)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression, String> {
        let token = self.tokens.get(self.at).cloned().ok_or("it ends too early")?;
        self.at += 1;
        match token {
            Token::Number(it) => Ok(Expression::Number(it)),
            Token::Text(it) => Ok(Expression::Text(it)),
            Token::Sign("-") => Ok(Expression::Negative(Box::new(self.expression(SIGN_STRENGTH)?))),
            Token::Sign("!") => Ok(Expression::Not(Box::new(self.expression(SIGN_STRENGTH)?))),
            Token::Sign("(") => {
                let inner = self.expression(0)?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Sign("[") => Ok(Expression::List(self.until("]")?)),
            Token::Name(name) if self.tokens.get(self.at) == Some(&Token::Sign("(")) => {
                self.at += 1;
                Ok(Expression::Call(name.to_ascii_uppercase(), self.until(")")?))
            }
            Token::Name(name) => Ok(Expression::Name(name)),
            token @ Token::Sign(_) => Err(format!("{} was not expected", written(&token))),
        }
    }

    /// What stands between here and the closing sign, with commas between.
    fn until(&mut self, end: &'static str) -> Result<Vec<Expression>, String> {
        let mut found = Vec::new();
        if self.tokens.get(self.at) == Some(&Token::Sign(end)) {
            self.at += 1;
            return Ok(found);
        }
        loop {
            found.push(self.expression(0)?);
            if self.tokens.get(self.at) == Some(&Token::Sign(",")) {
                self.at += 1;
            } else {
                self.expect(end)?;
                return Ok(found);
            }
        }
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), String> {
        if self.tokens.get(self.at) == Some(&Token::Sign(sign)) {
            self.at += 1;
            Ok(())
        } else {
            Err(format!("'{sign}' is missing"))
        }
    }
}
