// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A transport that tells the outcome of a dial by a call, so that a dial needs no task.
///
/// The engine asks for this where it can: the tasks in which dials wait were a sixth of a planned
/// move. Every transport has ``LiveTransport/dial(_:)``, and one that has nothing else is served in
/// a task for each dial.
package protocol CallbackTransport: LiveTransport {
  /// Begins to open a connection, as ``LiveTransport/dial(_:)`` does. The engine calls it on
  /// `request.executor`.
  ///
  /// - Parameter answer: Called exactly once; inside this call only if the dial ends at once. Should
  ///   be called on `request.executor`, and outside of any call of the engine. A success hands the
  ///   connection over: events may flow once `answer` has returned.
  /// - Returns: What gives the dial up.
  func beginDial(
    _ request: DialRequest,
    answer: @escaping @Sendable (Result<any LiveConnection, TransportError>) -> Void
  ) -> any DialUnderWay
}

/// A dial whose outcome is still to be told.
package protocol DialUnderWay: AnyObject, Sendable {
  /// Gives the dial up: it is answered soon with ``TransportError/Code/cancelled``, unless its outcome
  /// is on its way already, and never inside this call. Callable from anywhere, also after the answer.
  func cancel()
}

extension CallbackTransport {
  /// Opens a connection in a task, by way of ``beginDial(_:answer:)``.
  public func dial(_ request: DialRequest) async throws(TransportError) -> any LiveConnection {
    let result = DialAnswer()
    let underWay = beginDial(request) { result.give($0) }
    let outcome = await withTaskCancellationHandler {
      await result.taken()
    } onCancel: {
      underWay.cancel()
    }
    let connection = try outcome.get()
    guard Task.isCancelled else { return connection }
    request.executor.execute { connection.abort() }
    throw TransportError(.cancelled, message: "the dial was cancelled")
  }
}

/// Holds the outcome of a dial for a task, or the task for the outcome.
private final class DialAnswer: Sendable {
  typealias Outcome = Result<any LiveConnection, TransportError>

  private enum State {
    case empty
    case awaited(UnsafeContinuation<Outcome, Never>)
    case given(Outcome)
  }

  private let state = Mutex(State.empty)

  func give(_ outcome: Outcome) {
    let waiting = state.withLock { state in
      guard case .awaited(let continuation) = state else {
        state = .given(outcome)
        return nil as UnsafeContinuation<Outcome, Never>?
      }
      state = .empty
      return continuation
    }
    waiting?.resume(returning: outcome)
  }

  func taken() async -> Outcome {
    await withUnsafeContinuation { continuation in
      let outcome = state.withLock { state in
        guard case .given(let outcome) = state else {
          state = .awaited(continuation)
          return nil as Outcome?
        }
        return outcome
      }
      if let outcome { continuation.resume(returning: outcome) }
    }
  }
}
