// SPDX-License-Identifier: Apache-2.0

/// A connection that could not be opened, or ended without a close frame.
public struct TransportError: Error, Sendable, CustomStringConvertible {
  /// What went wrong. New codes may appear in minor versions.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Name: String {
      case resolve, connect, tls, upgrade, timeout, lost, protocolViolation, invalidRequest,
        cancelled
    }
    private let name: Name
    /// The name was not resolved.
    public static let resolveFailed = Code(name: .resolve)
    /// No TCP connection: refused or unreachable.
    public static let connectFailed = Code(name: .connect)
    /// The TLS handshake failed; retrying does not help unless the certificate changes.
    public static let tlsFailed = Code(name: .tls)
    /// The server answered the upgrade with something other than 101; see ``TransportError/httpStatus``.
    public static let upgradeRefused = Code(name: .upgrade)
    /// A phase took longer than its deadline.
    public static let timedOut = Code(name: .timeout)
    /// An open connection ended without a close frame.
    public static let connectionLost = Code(name: .lost)
    /// The peer broke the WebSocket protocol or a limit of size.
    public static let protocolViolation = Code(name: .protocolViolation)
    /// Endpoint, credential or a header cannot be written into a request; the same dial fails again.
    public static let invalidRequest = Code(name: .invalidRequest)
    /// The dialling task was cancelled.
    public static let cancelled = Code(name: .cancelled)
    /// The name of the code.
    public var description: String { name.rawValue }
  }

  /// What went wrong; two errors of one code may differ in everything else.
  public var code: Code
  /// The status of a refused upgrade.
  public var httpStatus: Int?
  /// How long the server asked us to wait (`Retry-After`), if it did.
  public var retryAfter: Duration?
  /// For people; never contains a credential.
  public var message: String
  /// What lay underneath, if anything.
  public var cause: (any Error)?

  /// Makes an error; the message must be free of secrets.
  public init(
    _ code: Code, message: String, httpStatus: Int? = nil, retryAfter: Duration? = nil,
    cause: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.httpStatus = httpStatus
    self.retryAfter = retryAfter
    self.cause = cause
  }

  /// Code, HTTP status and message; free of secrets.
  public var description: String {
    "TransportError(\(code)\(httpStatus.map { ", HTTP \($0)" } ?? "")): \(message)"
  }
}
