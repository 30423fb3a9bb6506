// SPDX-License-Identifier: Apache-2.0

/// Which verdict a failure earns: a table of phase, close code and reason, read from the top.
///
/// The service documents no list; every row is an observation (protocol notes E.1). What no row
/// names is tried again, with a budget.
package struct FailureClassification: Sendable {
  /// One row. A nil field matches everything.
  package struct Row: Sendable {
    package var phases: Set<FailurePhase>?
    package var code: UInt16?
    /// Lower-case words that must all occur in the reason.
    package var words: [String]
    package var verdict: Verdict

    package init(
      _ words: [String], code: UInt16? = nil, in phases: Set<FailurePhase>? = nil,
      _ verdict: Verdict
    ) {
      self.phases = phases
      self.code = code
      self.words = words
      self.verdict = verdict
    }
  }

  /// What a row says; `stop` gets its message from the failure itself.
  package enum Verdict: Sendable, Hashable {
    case retry, retryWithoutReplay, retryUncharged, retryMuchLater, quotaExceeded, newCredential,
      handleRefused, dropHandle
    case stopRefused, stopCredential
  }

  package var rows: [Row]

  package init(rows: [Row] = FailureClassification.defaultRows) { self.rows = rows }

  /// Reads the table.
  package func verdict(phase: FailurePhase, code: UInt16?, reason: String) -> FailureVerdict {
    // An ordinary close says nothing; it is by far the most common.
    if code == 1000, reason.isEmpty { return .retry }
    let text = reason.lowercased()
    let row = rows.first { row in
      (row.phases?.contains(phase) ?? true) && (row.code == nil || row.code == code)
        && row.words.allSatisfy(text.contains)
    }
    switch row?.verdict ?? .retry {
    case .retry: return .retry
    case .retryWithoutReplay: return .retryWithoutReplay
    case .retryUncharged: return .retryUncharged
    case .retryMuchLater: return .retryMuchLater
    case .quotaExceeded: return .quotaExceeded
    case .newCredential: return .newCredential
    case .handleRefused: return .handleRefused
    case .dropHandle: return .dropHandle
    case .stopRefused:
      return .stop(SessionEnd(.refusedByService, message: reason, closeCode: code))
    case .stopCredential:
      return .stop(SessionEnd(.credentialRefused, message: reason, closeCode: code))
    }
  }

  /// The verdict on a dial that failed or a connection that broke.
  ///
  /// - Parameter hasLived: Whether the session has had a connection. Then a server that cannot prove
  ///   its name is one in trouble, or one that is not the service; who has just come is told at once.
  package func verdict(_ error: TransportError, hasLived: Bool) -> FailureVerdict {
    switch error.code {
    case .tlsFailed where hasLived: .retryMuchLater
    case .tlsFailed, .invalidRequest:
      .stop(SessionEnd(.refusedByService, message: error.message))
    case .upgradeRefused:
      Self.verdict(httpStatus: error.httpStatus, error)
    default: .retry
    }
  }

  private static func verdict(httpStatus: Int?, _ error: TransportError) -> FailureVerdict {
    switch httpStatus {
    case 401, 403: .stop(SessionEnd(.credentialRefused, message: error.message))
    case 400, 404: .stop(SessionEnd(.refusedByService, message: error.message))
    default: .retry
    }
  }

  /// The rows that hold by default.
  package static let defaultRows: [Row] = [
    // Credentials.
    Row(["token", "used too many times"], .newCredential),
    Row(["token", "expired"], .newCredential),
    Row(["api key not valid"], .stopCredential),
    Row(["auth token", "missing"], .stopCredential),
    Row(["malformed", "auth token"], .stopCredential),
    Row(["unregistered callers"], .stopCredential),
    Row(["project-scoped features"], .stopRefused),
    // Handles.
    Row(["invalid session handle"], .dropHandle),
    Row(["session not found"], in: [.resumingSetup], .dropHandle),
    Row(["requested entity was not found"], code: 1008, in: [.resumingSetup], .dropHandle),
    Row(["requested entity was not found"], code: 1008, .stopRefused),
    // Load.
    Row(["exceeded your current quota"], .quotaExceeded),
    Row(["overloaded_too_many_retries"], .retryMuchLater),
    // Requests that fail again.
    Row(["is not found for api version"], .stopRefused),
    Row(["unknown name"], code: 1007, .stopRefused),
    Row(["explicit activity control"], code: 1007, .stopRefused),
    Row(["response modalities"], code: 1007, .stopRefused),
    Row(["user location is not supported"], .stopRefused),
    Row([], code: 1007, in: [.freshSetup], .stopRefused),
    Row([], code: 1007, in: [.resumingSetup], .handleRefused),
    Row([], code: 1007, in: [.live], .retryWithoutReplay),
    // A resume refused while an earlier socket is open blames nobody's handle.
    Row(["already", "open"], code: 1011, in: [.resumingSetup], .retryUncharged),
    Row(["still", "open"], code: 1011, in: [.resumingSetup], .retryUncharged),
    Row([], code: 1008, in: [.resumingSetup], .handleRefused),
  ]
}
