export { AnonymousDraft, type DraftOptions, type Left } from './draft.js';
export { auth0, type Auth0Sdk, type Metadata, type Session, type Token, type Transport } from './transport.js';
