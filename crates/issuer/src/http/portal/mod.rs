//! The portal's routes: pages for people who apply, by the applicant's unguessable link.

use std::sync::Arc;

use axum::Router;

use crate::Issuer;

/// The pages below the path of the issuer's identifier; none where the operator has switched them off.
pub fn routes(_issuer: &Arc<Issuer>) -> Router<Arc<Issuer>> {
    Router::new()
}
