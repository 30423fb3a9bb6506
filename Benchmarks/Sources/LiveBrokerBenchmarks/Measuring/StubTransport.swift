// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Synchronization

/// A network of one connection object for everybody. It answers each setup with `setupComplete` and
/// a handle of 100 bytes, and a turn with a short one.
///
/// What it keeps of a session lies in one array that is as long from the beginning as it will ever
/// be, and what it sends is written in place: so the heap grows by nothing of its own, and it leaves
/// no holes behind into which the allocator would put what is measured.
final class StubTransport: LiveTransport {
  private let shared: StubConnection

  /// - Parameter capacity: Sessions that it will ever serve.
  init(capacity: Int) { shared = StubConnection(capacity: capacity) }

  func dial(_ request: DialRequest) async throws(TransportError) -> any LiveConnection {
    shared.dialed(
      StubPeer(
        sink: request.sink, executor: request.executor, generation: request.generation))
    return shared
  }

  /// Whose turn the next text that arrives is: the session that was opened as that one.
  func expectTurn(of session: Int) { shared.expectTurn(of: session) }

  /// Gives every session another handle.
  func sendHandles() { shared.sendHandles() }
}

/// A session as the stub knows it.
struct StubPeer: Sendable {
  let sink: any ConnectionSink
  let executor: any ShardExecutor
  let generation: UInt32
}

/// Sessions are opened one after the other, so a setup is that of the last dial.
final class StubConnection: LiveConnection {
  private struct State {
    var peers: [StubPeer] = []
    var isSetUp = true
    var speaker: Int?
  }

  private let state: Mutex<State>
  private let setupComplete = StaticFrame(#"{"setupComplete":{}}"#)
  private let turn = StaticFrame(
    #"{"serverContent":{"modelTurn":{"parts":[{"text":"yes"}]},"turnComplete":true}}"#)
  private let handle = StaticFrame(
    #"{"sessionResumptionUpdate":{"newHandle":""# + String(repeating: "h", count: 100)
      + #"","resumable":true}}"#, numberEndsAt: 43 + 98)

  init(capacity: Int) {
    var state = State()
    state.peers.reserveCapacity(capacity)
    self.state = Mutex(state)
  }

  func dialed(_ peer: StubPeer) {
    state.withLock { state in
      state.peers.append(peer)
      state.isSetUp = false
    }
  }

  func expectTurn(of session: Int) { state.withLock { $0.speaker = session } }

  func send(_ frame: OutboundFrame) {
    guard case .text = frame else { return }
    let (peer, isSetup) = state.withLock { state -> (StubPeer?, Bool) in
      defer { state.isSetUp = true }
      if !state.isSetUp { return (state.peers.last, true) }
      return (state.speaker.take().map { state.peers[$0] }, false)
    }
    guard let peer else { return }
    peer.executor.execute { [self] in
      guard isSetup else { return turn.send(to: peer) }
      setupComplete.send(to: peer)
      handle.send(to: peer)
    }
  }

  func sendHandles() {
    for place in 0..<state.withLock({ $0.peers.count }) {
      let peer = state.withLock { $0.peers[place] }
      peer.executor.execute { [self] in handle.send(to: peer) }
    }
  }

  func close(code: UInt16, reason: String) {}
  func abort() {}
  func setReading(_ enabled: Bool) {}
}

/// Bytes that are written once and then only changed in place. Lives as long as the process.
final class StaticFrame: @unchecked Sendable {
  // One thread runs a simulation, and nobody keeps the bytes of a frame.
  private let bytes: UnsafeMutableRawBufferPointer
  private let numberEndsAt: Int?
  private var number = 0

  /// - Parameter numberEndsAt: Behind which byte a running number of eight digits ends.
  init(_ text: String, numberEndsAt: Int? = nil) {
    bytes = .allocate(byteCount: text.utf8.count, alignment: 1)
    bytes.copyBytes(from: text.utf8)
    self.numberEndsAt = numberEndsAt
  }

  func send(to peer: StubPeer) {
    peer.sink.connection(peer.generation, received: numbered())
  }

  /// The bytes, with the next number in them.
  func numbered() -> UnsafeRawBufferPointer {
    if let end = numberEndsAt {
      number += 1
      var rest = number
      for place in 1...8 {
        bytes[end - place] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      }
    }
    return UnsafeRawBufferPointer(bytes)
  }
}

/// Mints tokens of 76 bytes out of nothing.
final class StubMinter: TokenMinter {
  private let name = StaticFrame(
    "auth_tokens/" + String(repeating: "t", count: 64), numberEndsAt: 76)

  func mint(_ request: TokenRequest) async throws(MintError) -> MintedToken {
    MintedToken(name: Secret(utf8: name.numbered()))
  }
}
