// SPDX-License-Identifier: Apache-2.0

/// Why a planned rotation took place.
public enum RotationCause: String, Sendable, Hashable {
  /// The service announced the end of the connection.
  case goAway
  /// The token was about to end.
  case credentialExpiry
  /// The connection was older than a connection should be.
  case connectionAge
}

/// Why a session had to get a connection.
public enum InterruptionCause: Sendable, Hashable, CustomStringConvertible {
  /// The session was opened; it never had one.
  case opened
  /// The broker moved it, in good time.
  case planned(RotationCause)
  /// The service closed the connection.
  case closedByService(code: UInt16?, reason: String)
  /// The connection was lost without a close frame.
  case connectionLost(String)
  /// Nothing was heard for longer than the silence limit.
  case silence
  /// A resumed connection took input and never answered: its handle is poisoned.
  case noAnswer
  /// The session failed inside the broker and was restarted.
  case fault(String)

  /// Whether the broker chose the moment.
  public var isPlanned: Bool {
    if case .planned = self { true } else { false }
  }

  /// The service's close code, if there was one.
  public var closeCode: UInt16? {
    if case .closedByService(let code, _) = self { code } else { nil }
  }

  /// What happened, with the service's own words where it gave some.
  public var description: String {
    switch self {
    case .opened: "opened"
    case .planned(let cause): "rotation (\(cause.rawValue))"
    case .closedByService(let code, let reason):
      "closed by the service (\(code.map(String.init) ?? "no code"))"
        + (reason.isEmpty ? "" : " \(reason)")
    case .connectionLost(let message): "connection lost: \(message)"
    case .silence: "silence"
    case .noAnswer: "no answer after a resume"
    case .fault(let message): "restarted: \(message)"
    }
  }
}
