// SPDX-License-Identifier: Apache-2.0

/// Something asked of a broker or a session that could not be done.
public struct BrokerError: Error, Sendable, CustomStringConvertible {
  /// What went wrong. New codes may appear in minor versions.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Name: String {
      case sessionEnded, sessionFailed, brokerStopped, draining, duplicateID, invalidMessage
      case unknownCall, cancelled, partFailed, alreadyRun, invalidConfiguration,
        credentialUnavailable
    }
    private let name: Name
    /// The session is over as somebody wanted; see ``BrokerError/end``.
    public static let sessionEnded = Code(name: .sessionEnded)
    /// The session is over because it could not go on; see ``BrokerError/end``.
    public static let sessionFailed = Code(name: .sessionFailed)
    /// The broker's `run()` has ended or was never started.
    public static let brokerStopped = Code(name: .brokerStopped)
    /// The broker takes no new sessions any more.
    public static let draining = Code(name: .draining)
    /// A session with this id exists.
    public static let duplicateID = Code(name: .duplicateID)
    /// The message is not one that a session sends, such as a second setup.
    public static let invalidMessage = Code(name: .invalidMessage)
    /// The tool response answers a call that is not open: answered, cancelled, or never made.
    public static let unknownCall = Code(name: .unknownCall)
    /// The calling task was cancelled.
    public static let cancelled = Code(name: .cancelled)
    /// `run()` was called twice; a broker runs once.
    public static let alreadyRun = Code(name: .alreadyRun)
    /// A configured value makes no sense; the message names it.
    public static let invalidConfiguration = Code(name: .invalidConfiguration)
    /// A part of the broker failed more often than its supervision permits.
    public static let partFailed = Code(name: .partFailed)
    /// No token could be had.
    public static let credentialUnavailable = Code(name: .credentialUnavailable)
    /// The name of the code.
    public var description: String { name.rawValue }
  }

  /// What went wrong; two errors of one code may differ in everything else.
  public var code: Code
  /// For people; never contains a secret.
  public var message: String
  /// How the session ended, if the error is about a session that did.
  public var end: SessionEnd?
  /// What lay underneath, if anything.
  public var cause: (any Error)?

  /// Makes an error; the message must be free of secrets.
  public init(
    _ code: Code, message: String, end: SessionEnd? = nil, cause: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.end = end
    self.cause = cause
  }

  /// Whether the same call may succeed later on the same broker.
  public var isRetryable: Bool {
    switch code {
    case .sessionFailed: end?.code == .outOfAttempts
    case .credentialUnavailable: true
    default: false
    }
  }

  /// Code, message, and how the session ended; free of secrets.
  public var description: String {
    "BrokerError(\(code)): \(message)\(end.map { " [\($0)]" } ?? "")"
  }

  static func ended(_ end: SessionEnd) -> BrokerError {
    BrokerError(
      end.isFailure ? .sessionFailed : .sessionEnded, message: "the session is over", end: end)
  }

  static let cancelled = BrokerError(.cancelled, message: "the calling task was cancelled")
}
