// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

@Suite struct PortTableTests {
  private let broker: Broker
  private let plan = SessionPlan(SessionConfiguration(model: "models/test"))

  init() {
    let simulation = Simulation(seed: 1)
    let network = EmulatedNetwork(
      simulation: simulation, service: LiveService(configuration: ServiceConfiguration(), seed: 1))
    broker = Broker(
      configuration: BrokerConfiguration(credentials: .apiKey(Secret("FAKE-KEY"))),
      transport: network,
      runtime: simulation.runtime)
  }

  private func port(_ number: UInt64) -> SessionPort {
    SessionPort(
      id: .bits(number, 0), plan: plan, shard: broker.shards[0],
      address: SessionAddress(slot: UInt32(number), tenant: 1))
  }

  @Test func itHoldsWhatADictionaryHolds() {
    var table = PortTable()
    var model: [SessionID: SessionPort] = [:]
    var random = SplitMix64(seed: 7)
    for _ in 0..<20_000 {
      let id = SessionID.bits(UInt64.random(in: 0..<600, using: &random), 0)
      #expect(table.find(id) === model[id])
      // First it grows, then it shrinks.
      let wanted = model.count < 400 ? 0.6 : 0.4
      if Double.random(in: 0..<1, using: &random) < wanted {
        guard model[id] == nil, case .bits(let number, _) = id else { continue }
        model[id] = port(number)
        model[id].map { table.insert($0) }
      } else {
        model[id] = nil
        table.remove(id)
      }
      #expect(table.count == model.count)
    }
    for number in 0..<600 {
      let id = SessionID.bits(UInt64(number), 0)
      #expect(table.find(id) === model[id])
    }
  }

  @Test func aNameThatIsNotThereCanBeRemoved() {
    var table = PortTable()
    table.insert(port(1))
    table.remove(.text("nobody"))
    #expect(table.count == 1)
    table.remove(.bits(1, 0))
    #expect(table.isEmpty)
    #expect(table.find(.bits(1, 0)) == nil)
  }
}
