//! Registering, signing in and out, and the account with its orders.

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use bothways_domain::{
    Caller, Error, FieldError, Result,
    id::Token,
    identity::{Credentials, Password, Tokens},
    paging::Paging,
};
use bothways_http::{extract::Query, identity::new_user};
use serde::Deserialize;

use super::{Answer, Chrome, cart::bring_along, go_to};
use crate::{
    Pages,
    cookies::{CART, ITEMS, NewCookies},
    error::render,
    format,
    session::{self, Visitor},
};

#[derive(Template)]
#[template(path = "register.html")]
struct Register {
    chrome: Chrome,
    email: String,
    name: String,
    errors: Vec<FieldError>,
}

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    chrome: Chrome,
    email: String,
    next: String,
    message: &'static str,
    notice: &'static str,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    chrome: Chrome,
    name: String,
    email: String,
    orders: Vec<(String, &'static str, String, String)>,
    total: u64,
    previous: Option<u32>,
    next: Option<u32>,
    /// What was just done.
    notice: &'static str,
    errors: Vec<FieldError>,
}

/// A way inside this shop, or to the account: nobody is led elsewhere by a link to the sign-in.
fn inside(path: &str) -> &str {
    let is_inside = path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if is_inside { path } else { "/account" }
}

/// The registration's form.
pub(crate) async fn register_form(State(pages): State<Pages>, visitor: Visitor) -> Answer {
    let chrome = Chrome::new(&pages, Some(&visitor), "");
    let page = Register {
        chrome,
        email: String::new(),
        name: String::new(),
        errors: Vec::new(),
    };
    Ok(render(&page).into_response())
}

/// Who registers.
#[derive(Deserialize)]
pub(crate) struct Registration {
    email: String,
    password: String,
    name: String,
}

/// Makes an account and signs in.
pub(crate) async fn register(
    State(pages): State<Pages>,
    visitor: Visitor,
    Form(form): Form<Registration>,
) -> Answer {
    let registered = match new_user(form.email.trim(), &form.password, &form.name) {
        Ok(user) => pages.identity.register(user).await,
        Err(error) => Err(error),
    };
    let (status, errors) = match registered {
        Ok(_) => {
            let credentials = Credentials {
                email: form.email.trim().to_owned(),
                password: form.password,
            };
            let tokens = pages.identity.sign_in(&credentials).await?;
            return Ok(signed_in(&pages, &visitor, &tokens, "/account").await);
        }
        Err(Error::Validation(errors)) => (StatusCode::UNPROCESSABLE_ENTITY, errors),
        Err(Error::EmailTaken) => {
            let taken = FieldError::new("/email", "There is an account with this address already.");
            (StatusCode::CONFLICT, vec![taken])
        }
        Err(other) => return Err(other.into()),
    };
    let chrome = Chrome::new(&pages, Some(&visitor), "");
    let page = Register {
        chrome,
        email: form.email,
        name: form.name,
        errors,
    };
    Ok((status, render(&page)).into_response())
}

impl Register {
    fn error(&self, field: &str) -> &str {
        super::error_of(&self.errors, field)
    }
}

/// Sets the session's cookies and takes the guest's cart along.
async fn signed_in(pages: &Pages, visitor: &Visitor, tokens: &Tokens, to: &str) -> Response {
    let mut cookies = NewCookies::default();
    session::keep(&mut cookies, tokens);
    let access = Token::presented(tokens.access_token.reveal());
    let caller = pages.tokens.identify(access).await;
    let together = bring_along(pages, &caller, visitor.cart.as_ref(), &mut cookies).await;
    go_to(if together { to } else { "/cart?apart=1" }, cookies)
}

/// The sign-in's form.
pub(crate) async fn login_form(
    State(pages): State<Pages>,
    visitor: Visitor,
    query: Query,
) -> Answer {
    let next = inside(query.text("next").unwrap_or("/account")).to_owned();
    let chrome = Chrome::new(&pages, Some(&visitor), "");
    Ok(render(&Login {
        chrome,
        email: String::new(),
        next,
        message: "",
        notice: if query.text("everywhere").is_some() {
            "You are signed out on every device."
        } else {
            ""
        },
    })
    .into_response())
}

/// Who signs in, and where they were going.
#[derive(Deserialize)]
pub(crate) struct SignIn {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Signs in.
pub(crate) async fn login(
    State(pages): State<Pages>,
    visitor: Visitor,
    Form(form): Form<SignIn>,
) -> Answer {
    let credentials = Credentials {
        email: form.email.trim().to_owned(),
        password: form.password,
    };
    let (status, message) = match pages.identity.sign_in(&credentials).await {
        Ok(tokens) => return Ok(signed_in(&pages, &visitor, &tokens, inside(&form.next)).await),
        Err(Error::Unauthenticated) => (
            StatusCode::UNAUTHORIZED,
            "This address and password don't belong together.",
        ),
        Err(Error::RateLimited { .. }) => (
            StatusCode::TOO_MANY_REQUESTS,
            "Too many tries for this address. Please wait a minute.",
        ),
        Err(other) => return Err(other.into()),
    };
    let chrome = Chrome::new(&pages, Some(&visitor), "");
    let next = inside(&form.next).to_owned();
    Ok((
        status,
        render(&Login {
            chrome,
            email: form.email,
            next,
            message,
            notice: "",
        }),
    )
        .into_response())
}

/// Signs out. The browser forgets the session even when identity can't be told.
pub(crate) async fn logout(State(pages): State<Pages>, visitor: Visitor) -> Answer {
    if matches!(visitor.caller, Caller::User { .. })
        && let Err(error) = pages.identity.sign_out(&visitor.caller).await
    {
        tracing::warn!(%error, "a session could not be ended");
    }
    let mut cookies = NewCookies::default();
    leave(&mut cookies);
    Ok(go_to("/", cookies))
}

/// The account's page; a guest is asked to sign in.
pub(crate) async fn show(State(pages): State<Pages>, visitor: Visitor, query: Query) -> Answer {
    let mut page = match account(&pages, &visitor, query.paging()?).await {
        Err(Error::Unauthenticated) => {
            return Ok(go_to("/login?next=/account", NewCookies::default()));
        }
        page => page?,
    };
    if query.text("changed").is_some() {
        page.notice = "Your password is changed. Everywhere else you are signed out.";
    }
    Ok(render(&page).into_response())
}

async fn account(pages: &Pages, visitor: &Visitor, paging: Paging) -> Result<Account> {
    let user = pages.identity.me(&visitor.caller).await?;
    let found = pages.checkout.orders(&visitor.caller, paging).await?;
    let orders = found.entries.iter().map(|order| {
        (
            order.id.to_string(),
            order.status.as_str(),
            format::moment(order.created_at),
            format::price(order.total),
        )
    });
    let page = paging.page();
    Ok(Account {
        chrome: Chrome::new(pages, Some(visitor), ""),
        name: user.name,
        email: user.email,
        orders: orders.collect(),
        total: found.total,
        previous: (page > 1).then(|| page - 1),
        next: (u64::from(page) * u64::from(paging.per_page()) < found.total).then_some(page + 1),
        notice: "",
        errors: Vec::new(),
    })
}

impl Account {
    /// The input that an error is about.
    fn input(error: &FieldError) -> &str {
        error.pointer.rsplit('/').next().unwrap_or_default()
    }

    fn error(&self, field: &str) -> &str {
        super::error_of(&self.errors, field)
    }
}

/// A password and the one to come after it.
#[derive(Deserialize)]
pub(crate) struct PasswordChange {
    current_password: String,
    new_password: String,
}

/// Changes the password; the user's other sessions end.
pub(crate) async fn change_password(
    State(pages): State<Pages>,
    visitor: Visitor,
    Form(form): Form<PasswordChange>,
) -> Answer {
    let changed = match Password::parse(&form.new_password, "/new_password") {
        Ok(new) => {
            let current = &form.current_password;
            pages
                .identity
                .change_password(&visitor.caller, current, &new)
                .await
        }
        Err(error) => Err(error),
    };
    let (status, errors) = match changed {
        Ok(()) => return Ok(go_to("/account?changed=1", NewCookies::default())),
        Err(Error::Validation(errors)) => (StatusCode::UNPROCESSABLE_ENTITY, errors),
        Err(Error::RateLimited { .. }) => {
            let often = "Too many wrong passwords. Please wait a minute.";
            let error = FieldError::new("/current_password", often);
            (StatusCode::TOO_MANY_REQUESTS, vec![error])
        }
        Err(other) => return Err(other.into()),
    };
    let mut page = account(&pages, &visitor, Paging::default()).await?;
    page.errors = errors;
    Ok((status, render(&page)).into_response())
}

/// Ends every session of the user, this one too.
pub(crate) async fn sign_out_everywhere(State(pages): State<Pages>, visitor: Visitor) -> Answer {
    pages.identity.sign_out_everywhere(&visitor.caller).await?;
    let mut cookies = NewCookies::default();
    leave(&mut cookies);
    Ok(go_to("/login?everywhere=1", cookies))
}

/// Nothing of a user stays in the browser.
fn leave(cookies: &mut NewCookies) {
    session::forget(cookies);
    cookies.remove(CART);
    cookies.remove(ITEMS);
}
