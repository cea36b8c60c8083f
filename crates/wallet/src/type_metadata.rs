//! What describes a type of SD-JWT VC, fetched within the wallet's rules (SD-JWT VC §6.3).

use formats::type_metadata::{BYTES_MAX, Chain, TypeFault, TypeMetadata};
use url::Url;

use crate::error::WalletError;
use crate::flow::host;
use crate::http::Request;
use crate::reader::Reader;

/// A type, and what lay at its address and at those of the types that it extends.
pub(crate) struct Described {
    pub(crate) metadata: TypeMetadata,
    pub(crate) documents: Vec<Vec<u8>>,
}

/// Why a type is not known.
#[derive(Clone, Debug)]
pub(crate) enum Unknown {
    /// Its name is no https: address.
    NoAddress,
    /// Nobody was asked, or nobody answered.
    Unanswered(WalletError),
    /// There is nothing at the address.
    Nothing {
        /// Whose address it is.
        host: String,
    },
    /// What is there is of no use.
    Fault(TypeFault),
}

impl Reader<'_> {
    /// Reads a type and those that it extends: each is asked for once, and no host that `may_ask`
    /// refuses. One that is named by its digest, and was read before, is asked for nowhere.
    pub(crate) async fn type_metadata(
        &self,
        mut chain: Chain,
        may_ask: impl Fn(&Url) -> Result<(), WalletError>,
    ) -> Result<Described, Unknown> {
        let mut documents = Vec::new();
        while let Some(wanted) = chain.wanted() {
            if let Some(kept) = self.kept(wanted.uri, wanted.integrity) {
                chain.take(&kept).map_err(Unknown::Fault)?;
                documents.push(kept);
                continue;
            }
            let url = Url::parse(wanted.uri).map_err(|_| Unknown::NoAddress)?;
            if !matches!(url.scheme(), "https" | "http") {
                return Err(Unknown::NoAddress);
            }
            may_ask(&url).and_then(|()| self.permit(&url)).map_err(Unknown::Unanswered)?;
            let host = host(&url);
            let request = Request::get(url).header("accept", "application/json");
            let answer =
                self.send(request.at_most(BYTES_MAX)).await.map_err(Unknown::Unanswered)?;
            if answer.status != 200 {
                return Err(Unknown::Nothing { host });
            }
            self.keep(wanted.uri, wanted.integrity, &answer.body);
            chain.take(&answer.body).map_err(Unknown::Fault)?;
            documents.push(answer.body);
        }
        let metadata = chain.finish().map_err(Unknown::Fault)?;
        Ok(Described { metadata, documents })
    }
}
