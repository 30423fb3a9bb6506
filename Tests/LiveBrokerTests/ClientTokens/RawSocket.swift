// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Synchronization

@testable import LiveBroker

/// A remote client's own connection: it has a token and knows no broker.
final class RawSocket: ConnectionSink {
  struct Seen: Sendable {
    var texts: [String] = []
    var close: (code: UInt16?, reason: String)?
  }

  let seen = Mutex(Seen())
  private let stand: TestStand
  private let connection = Mutex<(any LiveConnection)?>(nil)

  init(_ stand: TestStand) { self.stand = stand }

  var closeReason: String? { seen.withLock { $0.close?.reason } }
  var closeCode: UInt16? { seen.withLock { $0.close?.code } }
  var isSetUp: Bool { seen.withLock { $0.texts.contains { $0.contains("setupComplete") } } }

  /// The newest handle that came.
  var handle: String? {
    for text in seen.withLock({ $0.texts }).reversed() {
      let update = (try? ServerMessage(decoding: Array(text.utf8)))?.sessionResumptionUpdate
      if let handle = update?.newHandle { return handle.reveal() }
    }
    return nil
  }

  func close() { connection.withLock { $0?.close(code: 1000, reason: "") } }

  func open(_ token: Secret, _ setup: String = #"{"setup":{"model":"models/m"}}"#) async throws {
    let opened = try await stand.network.dial(
      DialRequest(
        endpoint: LiveEndpoint(host: "live.test"), credential: .ephemeralToken(token),
        generation: 1, executor: stand.simulation.runtime.shardExecutors[0], sink: self))
    opened.send(.text(Array(setup.utf8)))
    connection.withLock { $0 = opened }
  }

  func connection(_ generation: UInt32, received payload: UnsafeRawBufferPointer) {
    let text = String(decoding: payload, as: UTF8.self)
    seen.withLock { $0.texts.append(text) }
  }

  func connection(_ generation: UInt32, signalled signal: ConnectionSignal) {
    if case .closed(let code, let reason) = signal {
      seen.withLock { $0.close = (code, reason) }
    }
  }
}
