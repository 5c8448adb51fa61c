/** What an identity provider's SDK does for a draft. A failure rejects with an error whose `code` is the provider's. */
export interface Transport {
  /** Makes an anonymous session with this metadata. It rejects with the code `invalid_request` if a session is in its way. */
  create(metadata: Metadata): Promise<Session | void>;
  /** Replaces these roots of the live session's metadata; `null` removes one. Leave it out where metadata is set once. */
  update?(metadata: Metadata): Promise<Session | void>;
  /** Ends the session on this device, its cookie included. */
  logout(): Promise<unknown>;
  /** An access token for an API, of the live session, or of a new one if there is none. */
  getToken?(audience?: string): Promise<Token>;
}

/** Values by root. Without `Transport.update`, every value but text is sent as JSON text. */
export type Metadata = Record<string, unknown>;

export interface Session {
  /** When the session ends, in seconds since 1970. */
  expiresAt?: number | undefined;
}

export interface Token {
  accessToken: string;
  /** When the token ends, in seconds since 1970. */
  expiresAt: number;
}

/** The part of an `Auth0Client` of `@auth0/auth0-spa-js` that is called. */
export interface Auth0Sdk {
  anonymous: {
    createSession(options: { metadata: Record<string, string> }): Promise<unknown>;
    getTokenSilently(options: { audience?: string }): Promise<Token>;
    logout(): Promise<unknown>;
  };
}

/** Auth0: metadata is set when a session is made, so a draft travels at `prepareLogin` only. */
export function auth0({ anonymous }: Auth0Sdk): Transport {
  return {
    create: async (metadata) => void await anonymous.createSession({ metadata: metadata as Record<string, string> }),
    logout: () => anonymous.logout(),
    getToken: (audience) => anonymous.getTokenSilently({ audience: audience! }),
  };
}
