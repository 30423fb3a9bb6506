// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

/// Whom the network tells what arrives on one connection, and where.
struct ClientEnd: Sendable {
  enum Event: Sendable {
    case message([UInt8])
    case signal(ConnectionSignal)
  }

  let id: ConnectionID
  private let generation: UInt32
  private let sink: any ConnectionSink
  private let executor: any ShardExecutor
  /// The executor's lane, if it is one of this simulation; then no queue lies in between.
  private let lane: Lane?
  private let core: SimulationCore
  var dialling: UnsafeContinuation<TransportError?, Never>?
  var isOpen = false

  init(id: ConnectionID, request: DialRequest, core: SimulationCore) {
    self.id = id
    self.core = core
    generation = request.generation
    sink = request.sink
    executor = request.executor
    lane = (request.executor as? SimulatedExecutor).flatMap { $0.core === core ? $0.lane : nil }
  }

  /// Tells the sink, inside the connection's executor. Called from the network's own step.
  func tell(_ event: Event) {
    if let lane {
      core.perform(in: lane) { deliver(event) }
    } else {
      executor.execute { deliver(event) }
    }
  }

  private func deliver(_ event: Event) {
    switch event {
    case .message(let bytes):
      bytes.withUnsafeBytes { sink.connection(generation, received: $0) }
    case .signal(let signal):
      sink.connection(generation, signalled: signal)
    }
  }
}
