// SPDX-License-Identifier: Apache-2.0

/// How the service ends a connection: the code and the reason of its close frame.
///
/// The texts are those that were seen from the real service (live-api.md A.7, D.2 and E.1); the few
/// that nobody has reported are marked as ours.
public struct CloseNotice: Sendable, Hashable {
  /// The close code.
  public var code: UInt16
  /// The reason, cut at the 123 bytes that RFC 6455 leaves for it.
  public var reason: String

  /// Makes a notice; a reason longer than 123 bytes of UTF-8 is cut at a character.
  public init(code: UInt16, reason: String) {
    self.code = code
    var cut = reason
    while cut.utf8.count > 123 { cut.removeLast() }
    self.reason = cut
  }
}

extension CloseNotice {
  /// A normal end.
  public static let normal = CloseNotice(code: 1000, reason: "")
  /// A message that the service cannot accept.
  public static let invalidArgument = CloseNotice(
    code: 1007, reason: "Request contains an invalid argument.")
  /// The first message was not a setup, or a second setup came.
  public static let preconditionFailed = CloseNotice(
    code: 1007, reason: "Precondition check failed.")
  /// Bytes that are no JSON. The text after the first sentence is ours.
  public static let malformedPayload = CloseNotice(
    code: 1007, reason: "Invalid JSON payload received. Unable to parse message.")
  /// Activity marks although the service detects activity itself.
  public static let explicitActivity = CloseNotice(
    code: 1007,
    reason:
      "Explicit activity control is not supported when automatic activity detection is enabled")
  /// A text session was asked of a model that only speaks.
  public static let modalityUnsupported = CloseNotice(
    code: 1007,
    reason:
      "The requested combination of response modalities (TEXT) is not supported by the model")
  /// The API key is not valid.
  public static let keyInvalid = CloseNotice(
    code: 1007, reason: "API key not valid. Please pass a valid API key.")
  /// No credential, or a token that was never minted here.
  public static let tokenMalformed = CloseNotice(
    code: 1007,
    reason: "Missing or malformed auth token. Pass it in the `access_token` query parameter.")
  /// A wrong or empty model under a token.
  public static let projectScoped = CloseNotice(
    code: 1007,
    reason: "Token-based requests cannot use project-scoped features such as tuned models.")
  /// All uses of the token are spent.
  public static let tokenUsedUp = CloseNotice(
    code: 1011, reason: "Token has been used too many times")
  /// Connecting or resuming after the token's expiry.
  public static let tokenExpired = CloseNotice(code: 1011, reason: "Token has expired")
  /// The token's expiry passed while the connection was open.
  public static let tokenExpiredWhileOpen = CloseNotice(
    code: 1011, reason: "auth token has expired")
  /// A new session after the token's window. The real text is unknown; this one is ours.
  public static let windowClosed = CloseNotice(
    code: 1011, reason: "Token has expired for new sessions")
  /// The handle names no session: unknown, expired, or from another time of the service.
  public static let sessionNotFound = CloseNotice(
    code: 1008, reason: "BidiGenerateContent session not found")
  /// The other text with which a handle is refused.
  public static let handleInvalid = CloseNotice(code: 1007, reason: "Invalid session handle")
  /// A resume while the session's earlier socket is open. The code was seen, the text is ours.
  public static let sessionInUse = CloseNotice(
    code: 1011, reason: "Session is still open on another connection")
  /// The connection was not left after a goAway.
  public static let ignoredGoAway = CloseNotice(
    code: 1008,
    reason: "Connection aborted because the client failed to close the connection after "
      + "receiving a GoAway message from the server.")
  /// Too many concurrent sessions, or the quota is gone.
  public static let quotaExceeded = CloseNotice(
    code: 1011,
    reason: "You exceeded your current quota, please check your plan and billing details.")
  /// A session without compression has used up its length, or the service took too long.
  public static let deadlineExpired = CloseNotice(
    code: 1011, reason: "Deadline expired before operation could complete.")
  /// The operation was aborted.
  public static let aborted = CloseNotice(code: 1008, reason: "The operation was aborted.")
  /// The connection's end on Vertex.
  public static let cancelled = CloseNotice(code: 1000, reason: "The operation was cancelled.")
  /// An internal error.
  public static let internalError = CloseNotice(
    code: 1011, reason: "Internal error encountered.")
  /// The same in other words.
  public static let internalErrorOccurred = CloseNotice(
    code: 1011, reason: "Internal error occurred.")
  /// Something that the setup names is not there: the handle, or what it stands for.
  public static let entityNotFound = CloseNotice(
    code: 1008, reason: "Requested entity was not found.")
  /// The client is where the service is not offered.
  public static let locationUnsupported = CloseNotice(
    code: 1007, reason: "User location is not supported for the API use")
  /// The service is down.
  public static let unavailable = CloseNotice(
    code: 1011, reason: "The service is currently unavailable.")
  /// Something around tool calls that the service could not do.
  public static let notImplemented = CloseNotice(
    code: 1008, reason: "Operation is not implemented, or supported, or enabled.")
  /// The service is overloaded.
  public static let overloaded = CloseNotice(
    code: 1011, reason: "OVERLOADED_TOO_MANY_RETRIES_PER_REQUEST")

  /// The closes that a random incident chooses from: codes that come at any moment of a healthy
  /// session and do not blame the client.
  public static let incidents: [CloseNotice] = [
    .internalError, .unavailable, .aborted, .cancelled, .deadlineExpired, .normal,
    .notImplemented, .overloaded,
  ]

  /// An unknown field in a client message; `place` is the field that held it, if any.
  static func unknownName(_ name: String, at place: String?) -> CloseNotice {
    CloseNotice(code: 1007, reason: unknownNameText(name, at: place))
  }

  /// The text of the service about an unknown field, as sockets and minting both give it.
  static func unknownNameText(_ name: String, at place: String?) -> String {
    let location = place.map { " at '\($0)'" } ?? ""
    return "Invalid JSON payload received. Unknown name \"\(name)\"\(location): Cannot find field."
  }

  /// A model that the service does not have in the version that the client asked for.
  static func modelNotFound(_ model: String, version: String) -> CloseNotice {
    CloseNotice(
      code: 1008,
      reason: "\(model) is not found for API version \(version), or is not supported for "
        + "bidiGenerateContent.")
  }
}
