// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Synchronization

@testable import LiveBroker

/// A transport that is right but for one thing, to see that the conformance suite finds that.
struct TamperedTransport: LiveTransport {
  /// What is wrong with it.
  enum Fault: Sendable, CaseIterable {
    /// It never tells that the peer does not read.
    case staysSilent
    /// It tells each change twice.
    case tellsTwice
    /// It tells that the peer does not read, and not that it reads again.
    case neverRecovers
    /// It tells from inside the call that filled its buffer.
    case tellsInside
    /// It drops what is sent while the peer does not read.
    case loses
    /// It sends the first message behind the pressure before the last under it.
    case reorders
    /// It ends by an error, and the peer never learns why.
    case vanishes
    /// It tells a message over the limit as a close of the peer.
    case tellsClose
    /// It tells a message over the limit as a lost connection.
    case tellsLoss
  }

  let base: any LiveTransport
  let fault: Fault
  /// What ``Fault/vanishes`` takes.
  var messageLimit = Int.max

  func dial(_ request: DialRequest) async throws(TransportError) -> any LiveConnection {
    let line = TamperedLine(request, fault, messageLimit: messageLimit)
    var request = request
    request.sink = line
    line.hold(try await base.dial(request))
    return line
  }
}

/// A connection and its sink, with what is wrong in between.
private final class TamperedLine: LiveConnection, ConnectionSink {
  private struct State {
    var base: (any LiveConnection)?
    var isWritable = true
    var sent = 0
    var held: OutboundFrame?
  }

  private let sink: any ConnectionSink
  private let executor: any ShardExecutor
  private let generation: UInt32
  private let fault: TamperedTransport.Fault
  private let messageLimit: Int
  private let state = Mutex(State())

  init(_ request: DialRequest, _ fault: TamperedTransport.Fault, messageLimit: Int) {
    sink = request.sink
    executor = request.executor
    generation = request.generation
    self.fault = fault
    self.messageLimit = messageLimit
  }

  func hold(_ base: any LiveConnection) { state.withLock { $0.base = base } }

  private var base: (any LiveConnection)? { state.withLock { $0.base } }

  // MARK: The engine's side

  func send(_ frame: OutboundFrame) {
    let (sent, isWritable) = state.withLock { state in
      state.sent += 1
      return (state.sent, state.isWritable)
    }
    if fault == .tellsInside, sent == 3 {
      sink.connection(generation, signalled: .writable(false))
    }
    if fault == .loses, !isWritable { return }
    if fault == .reorders, !isWritable {
      let earlier = state.withLock { state in
        defer { state.held = state.held == nil ? frame : nil }
        return state.held
      }
      guard let earlier else { return }
      base?.send(frame)
      base?.send(earlier)
      return
    }
    base?.send(frame)
  }

  func close(code: UInt16, reason: String) { base?.close(code: code, reason: reason) }
  func abort() { base?.abort() }
  func setReading(_ enabled: Bool) { base?.setReading(enabled) }

  // MARK: The network's side

  func connection(_ generation: UInt32, received payload: UnsafeRawBufferPointer) {
    guard fault == .vanishes, payload.count > messageLimit else {
      return sink.connection(generation, received: payload)
    }
    base?.abort()
    let error = TransportError(.protocolViolation, message: "too large")
    sink.connection(generation, signalled: .failed(error))
  }

  func connection(_ generation: UInt32, signalled signal: ConnectionSignal) {
    switch (signal, fault) {
    case (.writable, .staysSilent), (.writable(true), .neverRecovers),
      (.writable(false), .tellsInside):
      return
    case (.writable, .tellsTwice): sink.connection(generation, signalled: signal)
    case (.writable(let isWritable), _): state.withLock { $0.isWritable = isWritable }
    case (.failed, .tellsClose):
      return sink.connection(generation, signalled: .closed(code: 1009, reason: ""))
    case (.failed, .tellsLoss):
      let error = TransportError(.connectionLost, message: "gone")
      return sink.connection(generation, signalled: .failed(error))
    default: break
    }
    sink.connection(generation, signalled: signal)
  }
}
