// SPDX-License-Identifier: Apache-2.0

/// Asks the service for ephemeral tokens. Behind it is an HTTP client or an emulator.
///
/// A minter makes one request per call; when to ask, how often and what to do with a failure is
/// decided by ``TokenPool``. It must never fall back to another credential.
public protocol TokenMinter: Sendable {
  /// Mints one token. Cancelling the task aborts the request.
  ///
  /// An HTTP client adds `request.options.requestHeaders` to its own, and asks
  /// ``LiveEndpoint/checkMinting()`` before it sends. Whoever calls holds it to the time-out.
  func mint(_ request: TokenRequest) async throws(MintError) -> MintedToken
}

/// What a token should allow. What is nil is left out of the request, and the service's default holds.
public struct TokenRequest: Sendable, Hashable {
  /// New sessions that may be opened; 0 means no limit. The service's default is 1.
  public var uses: Int?
  /// When its messages end. The service's default is 30 minutes after minting.
  public var expireTime: WallTime?
  /// When it stops opening new sessions. The service's default is 60 seconds after minting.
  public var newSessionExpireTime: WallTime?
  /// The setup that the token locks, as JSON bytes of the inside of a `setup` message, and the mask.
  public var constraints: TokenConstraints?
  /// What this one call's HTTP request has besides.
  public var options: MintOptions

  /// Makes a request; all parts default to the service's own defaults.
  public init(
    uses: Int? = nil, expireTime: WallTime? = nil, newSessionExpireTime: WallTime? = nil,
    constraints: TokenConstraints? = nil, options: MintOptions = MintOptions()
  ) {
    self.uses = uses
    self.expireTime = expireTime
    self.newSessionExpireTime = newSessionExpireTime
    self.constraints = constraints
    self.options = options
  }
}

/// A freshly minted token.
public struct MintedToken: Sendable {
  /// The whole name, prefix `auth_tokens/` included: it is the credential.
  public var name: Secret
  /// The service's `Date` header, from which its clock skew is learnt.
  public var serverDate: WallTime?

  /// Makes an answer from its parts.
  public init(name: Secret, serverDate: WallTime? = nil) {
    self.name = name
    self.serverDate = serverDate
  }
}

/// A mint that failed.
public struct MintError: Error, Sendable, CustomStringConvertible {
  /// What went wrong. New codes may appear in minor versions.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Name: String {
      case keyRefused, invalidRequest, quotaExceeded, unavailable, unreachable, malformedResponse
      case cancelled, unsupported, exhausted, stopped
    }
    private let name: Name
    /// The key is not valid or not allowed to mint (HTTP 400 `API_KEY_INVALID`, 401, 403).
    public static let keyRefused = Code(name: .keyRefused)
    /// The service does not accept this request (HTTP 400, 404); the same one fails again.
    public static let invalidRequest = Code(name: .invalidRequest)
    /// Too many requests (HTTP 429).
    public static let quotaExceeded = Code(name: .quotaExceeded)
    /// The service failed (HTTP 408, 5xx).
    public static let unavailable = Code(name: .unavailable)
    /// No answer: name, connection, TLS or time-out.
    public static let unreachable = Code(name: .unreachable)
    /// The answer was not what a mint answers.
    public static let malformedResponse = Code(name: .malformedResponse)
    /// The minting task was cancelled.
    public static let cancelled = Code(name: .cancelled)
    /// Tokens cannot be had here: Vertex has none, or the broker has no minter. Nothing was sent.
    public static let unsupported = Code(name: .unsupported)
    /// The broker's own limits are reached: remote clients hold as many tokens as they may, or too
    /// many wait for one. Nothing was sent.
    public static let exhausted = Code(name: .exhausted)
    /// The broker has stopped.
    public static let stopped = Code(name: .stopped)
    /// The name of the code.
    public var description: String { name.rawValue }
  }

  /// What went wrong; two errors of one code may differ in everything else.
  public var code: Code
  /// HTTP status of the answer, if there was one.
  public var httpStatus: Int?
  /// The service's own status name, such as `INVALID_ARGUMENT`.
  public var status: String?
  /// How long the service asked us to wait, if it did.
  public var retryAfter: Duration?
  /// For people; never contains a credential.
  public var message: String
  /// What lay underneath, if anything.
  public var cause: (any Error)?

  /// Makes an error; the message must be free of secrets.
  public init(
    _ code: Code, message: String, httpStatus: Int? = nil, status: String? = nil,
    retryAfter: Duration? = nil, cause: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.httpStatus = httpStatus
    self.status = status
    self.retryAfter = retryAfter
    self.cause = cause
  }

  /// Whether the same request may succeed later.
  public var isRetryable: Bool {
    code == .quotaExceeded || code == .unavailable || code == .unreachable
      || code == .malformedResponse || code == .exhausted
  }

  /// Code, HTTP status and message; free of secrets.
  public var description: String {
    "MintError(\(code)\(httpStatus.map { ", HTTP \($0)" } ?? "")): \(message)"
  }
}
