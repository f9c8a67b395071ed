"""Compiles SPIR-V for the chip that RADV_FORCE_FAMILY names, on RADV's null device: it compiles, and can run nothing.

A process of its own, since the driver reads its environment once and prints what it made to stderr (RADV_DEBUG).
Input: JSON, a list of {name, spv (path), bindings: [[binding, storage class], ...]}.
"""
import json
import sys

import vulkan as vk


def create_device():
    app = vk.VkApplicationInfo(pApplicationName='isa', applicationVersion=1, pEngineName='isa', engineVersion=1,
                               apiVersion=vk.VK_MAKE_VERSION(1, 3, 0))
    instance = vk.vkCreateInstance(vk.VkInstanceCreateInfo(pApplicationInfo=app), None)
    physical = vk.vkEnumeratePhysicalDevices(instance)[0]
    queue = vk.VkDeviceQueueCreateInfo(queueFamilyIndex=0, queueCount=1, pQueuePriorities=[1.0])
    f11 = vk.VkPhysicalDeviceVulkan11Features(storageBuffer16BitAccess=1)
    f12 = vk.VkPhysicalDeviceVulkan12Features(pNext=f11, shaderFloat16=1, shaderInt8=1, vulkanMemoryModel=1,
                                              vulkanMemoryModelDeviceScope=1, uniformBufferStandardLayout=1)
    return vk.vkCreateDevice(physical, vk.VkDeviceCreateInfo(pNext=f12, pQueueCreateInfos=[queue]), None)


def compile_kernel(device, item):
    with open(item['spv'], 'rb') as file:
        code = file.read()
    bindings = [vk.VkDescriptorSetLayoutBinding(
        binding=binding, descriptorCount=1, stageFlags=vk.VK_SHADER_STAGE_COMPUTE_BIT,
        descriptorType=vk.VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER if kind == 'Uniform' else vk.VK_DESCRIPTOR_TYPE_STORAGE_BUFFER)
        for binding, kind in item['bindings']]
    set_layout = vk.vkCreateDescriptorSetLayout(device, vk.VkDescriptorSetLayoutCreateInfo(pBindings=bindings), None)
    push = vk.VkPushConstantRange(stageFlags=vk.VK_SHADER_STAGE_COMPUTE_BIT, offset=0, size=128)
    layout = vk.vkCreatePipelineLayout(device, vk.VkPipelineLayoutCreateInfo(pSetLayouts=[set_layout], pPushConstantRanges=[push]), None)
    module = vk.vkCreateShaderModule(device, vk.VkShaderModuleCreateInfo(codeSize=len(code), pCode=code), None)
    stage = vk.VkPipelineShaderStageCreateInfo(stage=vk.VK_SHADER_STAGE_COMPUTE_BIT, module=module, pName='dawn_entry_point')
    sys.stderr.write(f'##KERNEL {item["name"]}\n')
    sys.stderr.flush()
    info = vk.VkComputePipelineCreateInfo(stage=stage, layout=layout, basePipelineIndex=-1)
    vk.vkCreateComputePipelines(device, None, 1, [info], None)


if __name__ == '__main__':
    job = json.load(sys.stdin)
    device = create_device()
    for item in job:
        compile_kernel(device, item)
