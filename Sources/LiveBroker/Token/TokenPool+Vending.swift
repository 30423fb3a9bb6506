// SPDX-License-Identifier: Apache-2.0

import Synchronization

// Tokens for remote clients: their callers are parked here until the run loop has one.

extension TokenPool {
  /// A token of its own for a remote client, with at least `minimumWindow` left to begin a session.
  ///
  /// It takes one of the configured places until it expires or is given back by ``release(_:)``:
  /// while the client could still use it, it counts. Cancelling the caller's task ends the wait.
  ///
  /// - Throws: ``TokenPoolError``; at once if no token of this pool can have that much window, if
  ///   all places are taken, or if the pool has stopped.
  package func vend(minimumWindow: Duration) async throws(TokenPoolError) -> EphemeralToken {
    let client = callers.nextNumber()
    let deadline = clock.now.advanced(by: configuration.vendTimeout)
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        guard callers.park(client, continuation) else { return }
        post(.vendRequested(client: client, minimumWindow: minimumWindow, by: deadline))
        // The handler may have run before there was anybody to wake, or anything to take back.
        if Task.isCancelled {
          leave(client)
          post(.cancelled(.client(client)))
        }
      }
    } onCancel: {
      leave(client)
    }
    let vended = try result.get()
    let issuedAt = vended.machine.issuedAt
    return EphemeralToken(
      name: vended.secret, uses: configuration.uses, createTime: wallTime(at: issuedAt),
      expireTime: wallTime(at: vended.machine.expiresAt ?? issuedAt),
      newSessionExpireTime: wallTime(at: vended.machine.newSessionUntil ?? issuedAt),
      lease: client)
  }

  /// Gives a remote client's place back, once its session is known to be over. Harmless if repeated.
  package nonisolated func release(_ token: EphemeralToken) {
    post(.leaseReleased(client: token.lease))
  }

  private nonisolated func leave(_ client: UInt64) {
    let error = TokenPoolError(.cancelled, message: "the caller was cancelled")
    if callers.resume(client, with: .failure(error)) { post(.cancelled(.client(client))) }
  }
}

/// The continuations of those who wait in `vend`, each resumed exactly once: whoever takes it out,
/// the run loop, a cancellation or the end of the run, resumes it.
final class VendingCallers: Sendable {
  typealias Caller = CheckedContinuation<Result<VendedToken, TokenPoolError>, Never>

  private struct State {
    var parked: [UInt64: Caller] = [:]
    var next: UInt64 = 1
    var isClosed = false
  }

  private let state = Mutex(State())

  /// A number for one call, never used again.
  func nextNumber() -> UInt64 {
    state.withLock { state in
      defer { state.next += 1 }
      return state.next
    }
  }

  /// Lets callers wait, as they also may before the first run.
  func open() { state.withLock { $0.isClosed = false } }

  /// - Returns: `false` if the pool has stopped; the caller has been told then.
  func park(_ number: UInt64, _ caller: Caller) -> Bool {
    let parked = state.withLock { state in
      if !state.isClosed { state.parked[number] = caller }
      return !state.isClosed
    }
    if !parked { caller.resume(returning: .failure(Self.stopped)) }
    return parked
  }

  /// - Returns: `false` if that caller does not wait any more.
  func resume(_ number: UInt64, with result: Result<VendedToken, TokenPoolError>) -> Bool {
    let caller = state.withLock { $0.parked.removeValue(forKey: number) }
    caller?.resume(returning: result)
    return caller != nil
  }

  /// Tells everybody who waits, and whoever comes until the next run, that the pool has stopped.
  func close() {
    let parked = state.withLock { state in
      state.isClosed = true
      defer { state.parked.removeAll() }
      return state.parked
    }
    // In the order of their numbers: a dictionary's own order must decide nothing.
    for number in parked.keys.sorted() {
      parked[number]?.resume(returning: .failure(Self.stopped))
    }
  }

  private static var stopped: TokenPoolError {
    TokenPoolError(.stopped, message: "the token pool has stopped")
  }
}
