// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator

@testable import LiveBroker

/// Notes what a connection tells; of a message only its size.
final class CountingSink: ConnectionSink {
  enum Event: Sendable {
    case message(Int)
    case signal(ConnectionSignal)
  }

  let events = Transcript<Event>()

  func connection(_ generation: UInt32, received payload: UnsafeRawBufferPointer) {
    events.append(.message(payload.count))
  }
  func connection(_ generation: UInt32, signalled signal: ConnectionSignal) {
    events.append(.signal(signal))
  }
}
#endif
