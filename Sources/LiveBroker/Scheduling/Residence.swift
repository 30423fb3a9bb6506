// SPDX-License-Identifier: Apache-2.0

/// Where the small actors of a shard live, said in one word: a reference to an executor alone takes
/// two, in each of a hundred thousand of them.
package final class Residence: Sendable {
  package let executor: any ShardExecutor

  package init(_ executor: any ShardExecutor) { self.executor = executor }
}
