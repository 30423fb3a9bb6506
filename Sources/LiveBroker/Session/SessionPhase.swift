// SPDX-License-Identifier: Apache-2.0

/// Where a session is in its life, as an application sees it.
public enum SessionPhase: String, Sendable, Hashable, CaseIterable {
  /// Made, not opened yet.
  case idle
  /// Waiting for a token.
  case acquiringCredential
  /// Waiting for its turn to dial, or dialling.
  case dialing
  /// Connected; the setup is sent or about to be.
  case settingUp
  /// Messages flow.
  case live
  /// Messages flow, and the next connection is being prepared.
  case rotating
  /// No connection; the next attempt has a time.
  case waiting
  /// Ending: no new input is taken.
  case draining
  /// Ended as asked.
  case closed
  /// Ended because it could not go on.
  case failed
}

/// One change of phase.
public struct SessionTransition: Sendable, Hashable {
  /// The phase that was left.
  public var from: SessionPhase
  /// The phase that was entered.
  public var to: SessionPhase
  /// When, on the broker's clock.
  public var at: EngineInstant
}

/// Why a session is over.
public struct SessionEnd: Sendable, Hashable, CustomStringConvertible {
  /// What ended it. New codes may appear in minor versions.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Name: String {
      case closedByApplication, drained, brokerStopped, idleTimeout, lifeLimitReached
      case usageLimitReached, refusedByService, credentialRefused, outOfAttempts
      case restartIntensityExceeded, cancelled, tooManySessions
    }
    private let name: Name
    /// The application closed it.
    public static let closedByApplication = Code(name: .closedByApplication)
    /// The broker was drained; the session's handle is in the store, if there is one.
    public static let drained = Code(name: .drained)
    /// The broker's `run()` ended.
    public static let brokerStopped = Code(name: .brokerStopped)
    /// Nothing was said for the configured time.
    public static let idleTimeout = Code(name: .idleTimeout)
    /// The configured longest life was reached.
    public static let lifeLimitReached = Code(name: .lifeLimitReached)
    /// The configured usage, summed over connections, was reached.
    public static let usageLimitReached = Code(name: .usageLimitReached)
    /// The service refused for a reason that trying again does not change.
    public static let refusedByService = Code(name: .refusedByService)
    /// No credential could be had: the key is refused.
    public static let credentialRefused = Code(name: .credentialRefused)
    /// The attempts of one outage were used up.
    public static let outOfAttempts = Code(name: .outOfAttempts)
    /// The service takes no more sessions at one time, and no place became free for this one.
    public static let tooManySessions = Code(name: .tooManySessions)
    /// The session failed again and again inside the broker.
    public static let restartIntensityExceeded = Code(name: .restartIntensityExceeded)
    /// The task that opened the session was cancelled.
    public static let cancelled = Code(name: .cancelled)
    /// The name of the code.
    public var description: String { name.rawValue }
  }

  /// What ended the session.
  public var code: Code
  /// For people; never contains a secret.
  public var message: String
  /// The close code of the service, if that was the reason.
  public var closeCode: UInt16?

  /// Makes an end from its parts.
  public init(_ code: Code, message: String, closeCode: UInt16? = nil) {
    self.code = code
    self.message = message
    self.closeCode = closeCode
  }

  /// Whether the session ended though the application wanted it to go on.
  public var isFailure: Bool {
    switch code {
    case .closedByApplication, .drained, .brokerStopped, .idleTimeout, .lifeLimitReached,
      .usageLimitReached, .cancelled:
      false
    default: true
    }
  }

  /// Code, message, and what the service said; free of secrets.
  public var description: String {
    "\(code)\(closeCode.map { ", close code \($0)" } ?? ""): \(message)"
  }

  static let lifeLimitReached = SessionEnd(
    .lifeLimitReached, message: "the configured longest life was reached")
  static let openingCancelled = SessionEnd(
    .cancelled, message: "the opening task was cancelled")
  static let idleTimeout = SessionEnd(
    .idleTimeout, message: "nothing was said for the configured time")

  static let noPlace = SessionEnd(
    .tooManySessions,
    message: "the service takes no more sessions for this project's quota, and none ended in time")

  static func outOfAttempts(_ cause: InterruptionCause) -> SessionEnd {
    SessionEnd(
      .outOfAttempts, message: "no connection could be had again after: \(cause)",
      closeCode: cause.closeCode)
  }
}
