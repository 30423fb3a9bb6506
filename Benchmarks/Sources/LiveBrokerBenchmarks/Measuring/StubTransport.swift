// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Synchronization

/// A network of one connection object for everybody: it answers each setup with `setupComplete` and
/// a handle of 100 bytes, and remembers nobody.
final class StubTransport: LiveTransport {
  private let shared = StubConnection()

  func dial(_ request: DialRequest) async throws(TransportError) -> any LiveConnection {
    shared.expect(request)
    return shared
  }
}

/// Setups come in the order of the dials, so the first dial that waits is whose setup this is.
final class StubConnection: LiveConnection {
  private static let setupComplete = Array(#"{"setupComplete":{}}"#.utf8)
  private let waiting = Mutex<[DialRequest]>([])
  private let handles = Atomic<Int>(0)

  func expect(_ request: DialRequest) { waiting.withLock { $0.append(request) } }

  func send(_ frame: OutboundFrame) {
    guard case .text = frame else { return }
    let request = waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    guard let request else { return }
    let number = handles.add(1, ordering: .relaxed).newValue
    let digits = String(number)
    let handle = String(repeating: "h", count: 100 - digits.count) + digits
    let update = Array(
      #"{"sessionResumptionUpdate":{"newHandle":"\#(handle)","resumable":true}}"#.utf8)
    request.executor.execute {
      Self.setupComplete.withUnsafeBytes {
        request.sink.connection(request.generation, received: $0)
      }
      update.withUnsafeBytes { request.sink.connection(request.generation, received: $0) }
    }
  }

  func close(code: UInt16, reason: String) {}
  func abort() {}
  func setReading(_ enabled: Bool) {}
}

/// Mints tokens of 76 bytes out of nothing.
final class StubMinter: TokenMinter {
  private let minted = Atomic<Int>(0)

  func mint(_ request: TokenRequest) async throws(MintError) -> MintedToken {
    let number = minted.add(1, ordering: .relaxed).newValue
    let digits = String(number)
    let name = "auth_tokens/" + String(repeating: "t", count: 64 - digits.count) + digits
    return MintedToken(name: Secret(name))
  }
}
