//! The OpenAPI document around the endpoints: how to come in, and what every endpoint may answer beside success.

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response,
    ResponseBuilder, ServerBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::idempotency;
use super::problem::{BadPart, Details};
use super::sessions::FIND;
use super::wire::endings::Only;
use super::wire::sessions::{Dir, Sort};

/// Answers of every endpoint.
const EVERYWHERE: [(&str, &str); 7] = [
    ("401", "No token, or none that works."),
    ("403", "The token lacks a permission."),
    ("404", "Not there, or not for the token to know."),
    ("422", "The request can't be taken as it is; nothing was changed."),
    ("429", "Too many calls."),
    ("500", "A fault of ours."),
    ("503", "A part Curfew needs did not answer in time."),
];
/// Answers of endpoints that change something, beside those.
const CHANGES: [(&str, &str); 3] = [
    ("409", "The state does not allow it, or the same key is at work."),
    ("413", "The body is too large."),
    ("415", "The body is not JSON."),
];

/// The document without endpoints.
pub fn frame() -> OpenApi {
    let token = SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("curfew_…")
            .description(Some("An API token of the page Access."))
            .build(),
    );
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Curfew")
                .version("1")
                .description(Some(
                    "Lists and ends the live sessions of connected systems. Every answer is narrowed to the grants of \
                     the token; docs/api.md walks through it.",
                ))
                .build(),
        )
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .components(Some(
            ComponentsBuilder::new()
                .security_scheme("token", token)
                .schema(BadPart::name(), BadPart::schema())
                .schema(Details::name(), Details::schema())
                // Named by parameters alone: the macros collect those of bodies.
                .schema(Sort::name(), Sort::schema())
                .schema(Dir::name(), Dir::schema())
                .schema(Only::name(), Only::schema())
                .build(),
        ))
        .security(Some([SecurityRequirement::new("token", Vec::<String>::new())]))
        .build()
}

/// The document with the answers every endpoint may give, and the header of those that change something.
pub fn finished(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        let PathItem {
            get, post, delete, ..
        } = item;
        for operation in get.iter_mut() {
            answers(operation, &EVERYWHERE);
        }
        for operation in delete.iter_mut() {
            answers(operation, &EVERYWHERE);
            answers(operation, &CHANGES);
        }
        for operation in post.iter_mut() {
            answers(operation, &EVERYWHERE);
            answers(operation, &CHANGES);
            if path != FIND {
                key(operation);
            }
        }
    }
    document
}

fn answers(operation: &mut Operation, answers: &[(&str, &str)]) {
    for (status, words) in answers {
        operation
            .responses
            .responses
            .entry((*status).to_owned())
            .or_insert_with(|| RefOr::T(problem(words)));
    }
}

fn problem(words: &str) -> Response {
    let body = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(Details::name())))
        .build();
    ResponseBuilder::new()
        .description(words)
        .content("application/problem+json", body)
        .build()
}

/// The header by which a repeated request is known.
fn key(operation: &mut Operation) {
    use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
    use utoipa::openapi::schema::{ObjectBuilder, Type};

    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(200))
        .pattern(Some("^[!-~]+$"))
        .build();
    let header = ParameterBuilder::new()
        .name(idempotency::KEY)
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "Any text of your own: sent again with it within 24 hours, the request does nothing again and gets the same \
             answer.",
        ))
        .schema(Some(text))
        .build();
    operation
        .parameters
        .get_or_insert_default()
        .push(RefOr::T(header));
}
