// Answers questions about IAM policies: a JSON object a line in, one out, in order.
// The evaluator lies in the directory that the first argument names (deploy/development/evaluator/NOTICE.md).
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const { runSimulation } = createRequire(`${process.argv[2]}/`)('@cloud-copilot/iam-simulate')

for await (const line of createInterface({ input: process.stdin })) {
  const { request, identity, bucket, endpoint } = JSON.parse(line)
  const named = (policy) => (policy ? [{ name: 'policy', policy }] : [])
  const answer = await runSimulation(
    {
      request,
      identityPolicies: named(identity),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(bucket ? { resourcePolicy: bucket } : {}),
      ...(endpoint ? { vpcEndpointPolicies: named(endpoint) } : {}),
    },
    {},
  )
  const { resultType, overallResult, errors } = answer
  const ignored = answer.result?.ignoredContextKeys
  process.stdout.write(`${JSON.stringify({ resultType, overallResult, errors, ignored })}\n`)
}
