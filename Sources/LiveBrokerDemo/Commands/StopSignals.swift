// SPDX-License-Identifier: Apache-2.0

#if NIO
@preconcurrency import Dispatch
import Foundation

/// Requests to stop (Ctrl-C, SIGTERM) as something that can be waited for. From its making on, they
/// end the process no more.
final class StopSignals: Sendable {
  private let stream: AsyncStream<Void>
  private let sources: [any DispatchSourceSignal]

  init() {
    let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(2))
    self.stream = stream
    let queue = DispatchQueue(label: "stop-signals")
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { continuation.yield() }
      source.resume()
      return source
    }
  }

  /// Waits for the next request. False if the waiting task was cancelled; then none comes any more.
  @discardableResult
  func next() async -> Bool {
    for await _ in stream { return true }
    return false
  }
}
#endif
