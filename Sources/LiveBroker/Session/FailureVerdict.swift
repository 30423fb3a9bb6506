// SPDX-License-Identifier: Apache-2.0

/// What to do about a failure.
package enum FailureVerdict: Sendable, Equatable {
  /// Try again after a back-off, with the handle.
  case retry
  /// As `retry`, but nothing that was in flight is sent again: it may be what the service refused.
  case retryWithoutReplay
  /// Try again at once; nobody is to blame.
  case retryAtOnce
  /// Try again after a back-off that no budget is charged for: the service still counts the old
  /// connection as open.
  case retryUncharged
  /// Try again after the longest back-off.
  case retryMuchLater
  /// The service takes no more sessions: wait for a place. Who was up tries again after the longest
  /// back-off.
  case quotaExceeded
  /// The credential is used up or expired.
  case newCredential
  /// The refusal may be the handle's fault.
  case handleRefused
  /// The handle is the reason.
  case dropHandle
  /// Trying again does not help.
  case stop(SessionEnd)

  /// Whether a standby that is already prepared may take over after this.
  var allowsStandby: Bool {
    switch self {
    case .retry, .retryWithoutReplay, .retryAtOnce, .retryUncharged, .retryMuchLater,
      .quotaExceeded:
      true
    case .newCredential, .handleRefused, .dropHandle, .stop: false
    }
  }

  /// The same failure of a setup that was sent before the old connection's close was answered: a
  /// refusal then says nothing about the handle or the service.
  var forgivingEarlySetup: FailureVerdict {
    switch self {
    case .retry, .retryWithoutReplay, .retryAtOnce, .retryUncharged, .retryMuchLater,
      .quotaExceeded, .handleRefused, .dropHandle:
      .retryAtOnce
    case .newCredential, .stop: self
    }
  }

  /// Whether what was not covered by the handle may be sent again.
  package var allowsReplay: Bool { self != .retryWithoutReplay }
}

/// When a failure happened.
package enum FailurePhase: Sendable, Hashable {
  /// A setup without a handle was sent and not accepted.
  case freshSetup
  /// A setup with a handle was sent and not accepted.
  case resumingSetup
  /// The connection was live.
  case live
}

extension TokenPoolError {
  /// What a session makes of a credential that it did not get.
  var verdict: FailureVerdict {
    switch code {
    case .keyRefused, .requestRefused:
      .stop(SessionEnd(.credentialRefused, message: message))
    default: .retry
    }
  }
}
